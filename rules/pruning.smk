"""Stage 4, pruning: statistics + weights -> one-bit masks.

reads   <resources>/models/{model}/, <results>/{model}/seed{seed}/statistics/{calibration}.safetensors
writes  <results>/{model}/seed{seed}/masks/{method}/{sparsity}.safetensors
"""


rule prune_model:
    """Score the weights, allocate sparsity over the blocks and write the mask."""
    input:
        model="<resources>/models/{model}/manifest.json",
        statistics=statistics_of,
        contrast=contrast_of,
    output:
        mask="<results>/{model}/seed{seed}/masks/{method}/{sparsity}.safetensors",
    log:
        "<logs>/prune_model/{model}/seed{seed}/{method}/{sparsity}.log",
    benchmark:
        "<benchmarks>/prune_model/{model}/seed{seed}/{method}/{sparsity}.jsonl"
    conda:
        "../envs/pruning.yaml"
    threads: 1
    resources:
        mem_mb=model_memory,
        runtime=model_minutes,
    params:
        script=script("prune_model.py"),
        model=model_folder,
        method=method_options,
        code=code_digest("prune_model.py"),
    shell:
        "python {params.script} --model {params.model:q} --statistics {input.statistics:q} "
        "--contrast {input.contrast:q} "
        "--name {wildcards.method} --method {params.method:q} --sparsity {wildcards.sparsity} "
        "--threads {threads} --output {output.mask:q} > {log:q} 2>&1"


rule masks:
    """The masks of every method and sparsity."""
    input:
        [masks_of(model) for model in MODELS],
    localrule: True
