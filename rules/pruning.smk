"""Stage 4, pruning: statistics + weights -> one-bit masks, or new weights where they move.

On request, a pruned model as a folder.

reads   <resources>/models/{model}/,
        <results>/{model}/seed{seed}/statistics/{calibration}.safetensors,
        <results>/{model}/seed{seed}/calibration/{calibration}.safetensors (sequential),
        <results>/{model}/seed{seed}/sweep/{method}/chosen.json (constants that are chosen),
        <results>/{model}/seed{seed}/statistics/order.json (languages that are chosen),
        <results>/{model}/seed{seed}/perplexity/{method}/{sparsity}/{language}.json (model card)
writes  <results>/{model}/seed{seed}/masks/{method}/{sparsity}.safetensors
        <results>/{model}/seed{seed}/weights/{method}/{sparsity}.safetensors (SparseGPT)
        beside either a record, {sparsity}.json: hash, inputs and blocks, by which others know it
        either path + .progress/, the finished blocks of a sequential job, until it ends
        <results>/{model}/seed{seed}/export/{method}/{sparsity}/ (Hugging Face layout)
"""


rule prune_model:
    """Score the weights, allocate sparsity over the blocks and write the mask."""
    input:
        model="<resources>/models/{model}/manifest.json",
        statistics=statistics_of,
        contrast=contrast_of,
        chosen=chosen_of,
        order=order_of,
    output:
        mask="<results>/{model}/seed{seed}/masks/{method}/{sparsity}.safetensors",
        record="<results>/{model}/seed{seed}/masks/{method}/{sparsity}.json",
    log:
        "<logs>/prune_model/{model}/seed{seed}/{method}/{sparsity}.log",
    benchmark:
        "<benchmarks>/prune_model/{model}/seed{seed}/{method}/{sparsity}.jsonl"
    wildcard_constraints:
        method=one_of(name for name in config["methods"] if name not in SEQUENTIAL),
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
        take=languages_to_take,
        code=code_of("prune_model.py", modules_of_method),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--model {params.model:q} --statistics {input.statistics:q} "
        "--contrast {input.contrast:q} --chosen {input.chosen:q} "
        "--order {input.order:q} --take {params.take:q} "
        "--name {wildcards.method:q} --method {params.method:q} --sparsity {wildcards.sparsity:q} "
        "--seed {wildcards.seed:q} --threads {threads} --output {output.mask:q} > {log:q} 2>&1"


rule prune_sequentially:
    """Prune block by block on activations that went through the already pruned blocks."""
    input:
        model="<resources>/models/{model}/manifest.json",
        windows=windows_of,
        contrast_windows=contrast_windows_of,
        statistics=statistics_of,
        contrast=contrast_of,
    output:
        pruned="<results>/{model}/seed{seed}/masks/{method}/{sparsity}.safetensors",
        record="<results>/{model}/seed{seed}/masks/{method}/{sparsity}.json",
    log:
        "<logs>/prune_sequentially/{model}/seed{seed}/{method}/{sparsity}.log",
    benchmark:
        "<benchmarks>/prune_sequentially/{model}/seed{seed}/{method}/{sparsity}.jsonl"
    wildcard_constraints:
        method=one_of(name for name in SEQUENTIAL if name not in MOVING),
    conda:
        "../envs/pruning.yaml"
    threads: 1
    resources:
        mem_mb=sequential_memory,
        runtime=model_minutes,
        gpu=1,
        activation_mb=ACTIVATION_MB,  # changes no mask, so it is no parameter
    params:
        script=script("prune_sequentially.py"),
        model=model_folder,
        dtype=dtype,
        method=method_options,
        batch_tokens=config["compute"]["batch_tokens"],
        activation_threshold=config["statistics"]["activation_threshold"],
        progress=progress_folder,
        code=code_of("prune_sequentially.py", modules_of_method),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--model {params.model:q} --dtype {params.dtype:q} "
        "--windows {input.windows:q} --contrast-windows {input.contrast_windows:q} "
        "--statistics {input.statistics:q} --contrast-statistics {input.contrast:q} "
        "--name {wildcards.method:q} --method {params.method:q} --sparsity {wildcards.sparsity:q} "
        "--seed {wildcards.seed:q} --batch-tokens {params.batch_tokens:q} "
        "--activation-threshold {params.activation_threshold:q} "
        "--activation-memory-mb {resources.activation_mb:q} --threads {threads} "
        "--progress {params.progress:q} --output {output.pruned:q} > {log:q} 2>&1"


use rule prune_sequentially as prune_with_update with:
    """Prune block by block, and move the weights that are kept to make up for the others."""
    output:
        pruned="<results>/{model}/seed{seed}/weights/{method}/{sparsity}.safetensors",
        record="<results>/{model}/seed{seed}/weights/{method}/{sparsity}.json",
    log:
        "<logs>/prune_with_update/{model}/seed{seed}/{method}/{sparsity}.log",
    benchmark:
        "<benchmarks>/prune_with_update/{model}/seed{seed}/{method}/{sparsity}.jsonl"
    wildcard_constraints:
        method=one_of(MOVING),
    resources:
        mem_mb=update_memory,
        runtime=model_minutes,
        gpu=1,
        activation_mb=ACTIVATION_MB,


rule masks:
    """The masks of every method and sparsity, or the new weights."""
    input:
        [masks_of(model) for model in MODELS],
    localrule: True


rule export_model:
    """Write a pruned model as a Hugging Face folder with a model card."""
    input:
        model="<resources>/models/{model}/manifest.json",
        mask=ancient(mask_of),
        record=record_of,
        perplexity=records_of_run,
        dense=dense_records_of,
    output:
        manifest="<results>/{model}/seed{seed}/export/{method}/{sparsity}/manifest.json",
    log:
        "<logs>/export_model/{model}/seed{seed}/{method}/{sparsity}.log",
    benchmark:
        "<benchmarks>/export_model/{model}/seed{seed}/{method}/{sparsity}.jsonl"
    wildcard_constraints:
        method="|".join(config["methods"]),
    conda:
        "../envs/pruning.yaml"
    threads: 1
    resources:
        mem_mb=growing(2500),
        runtime=model_minutes,
    params:
        script=script("export_model.py"),
        model=model_folder,
        languages=canonical({code: config["languages"][code]["name"] for code in LANGUAGES}),
        perplexity=folder_of_input("perplexity"),
        dense=folder_of_input("dense"),
        folder=folder_of_manifest,
        code=code_of("export_model.py"),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--model {params.model:q} --mask {input.mask:q} "
        "--seed {wildcards.seed:q} --perplexity {params.perplexity:q} "
        "--dense-perplexity {params.dense:q} --languages {params.languages:q} "
        "--output {params.folder:q} > {log:q} 2>&1"
