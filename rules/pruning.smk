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

`plan` (paths), `options`, `ask` (memory, time, GPUs) and `job` (commands) come from common.smk.
"""


rule prune_model:
    """Score the weights, allocate sparsity over the blocks and write the mask."""
    input:
        model="<resources>/models/{model}/manifest.json",
        statistics=plan.statistics,
        contrast=plan.contrast,
        chosen=plan.chosen,
        order=plan.order,
    output:
        mask="<results>/{model}/seed{seed}/masks/{method}/{sparsity}.safetensors",
        record="<results>/{model}/seed{seed}/masks/{method}/{sparsity}.json",
    log:
        "<logs>/prune_model/{model}/seed{seed}/{method}/{sparsity}.log",
    benchmark:
        "<benchmarks>/prune_model/{model}/seed{seed}/{method}/{sparsity}.jsonl"
    wildcard_constraints:
        method=one_of(name for name in plan.methods if name not in plan.sequential),
    conda:
        "../envs/pruning.yaml"
    threads: 1
    resources:
        mem_mb=ask.model_memory,
        runtime=ask.model_minutes,
    params:
        command=job("prune_model.py", modules.of_method),
        model="resources/models/{model}",
        method=options.method,
        take=options.languages_to_take,
    shell:
        "python {params.command} "
        "--model {params.model:q} --statistics {input.statistics:q} "
        "--contrast {input.contrast:q} --chosen {input.chosen:q} "
        "--order {input.order:q} --take {params.take:q} "
        "--name {wildcards.method:q} --method {params.method:q} --sparsity {wildcards.sparsity:q} "
        "--seed {wildcards.seed:q} --threads {threads} --output {output.mask:q} > {log:q} 2>&1"


rule prune_sequentially:
    """Prune block by block on activations that went through the already pruned blocks."""
    input:
        model="<resources>/models/{model}/manifest.json",
        windows=plan.windows,
        contrast_windows=plan.contrast_windows,
        statistics=plan.statistics,
        contrast=plan.contrast,
    output:
        pruned="<results>/{model}/seed{seed}/masks/{method}/{sparsity}.safetensors",
        record="<results>/{model}/seed{seed}/masks/{method}/{sparsity}.json",
    log:
        "<logs>/prune_sequentially/{model}/seed{seed}/{method}/{sparsity}.log",
    benchmark:
        "<benchmarks>/prune_sequentially/{model}/seed{seed}/{method}/{sparsity}.jsonl"
    wildcard_constraints:
        method=one_of(name for name in plan.sequential if name not in plan.moving),
    conda:
        "../envs/pruning.yaml"
    threads: 1
    resources:
        mem_mb=ask.sequential_memory,
        runtime=ask.sequential_minutes,
        gpu=1,
        activation_mb=ask.activation_mb,  # changes no mask, so it is no parameter
    params:
        command=job("prune_sequentially.py", modules.of_method),
        model="resources/models/{model}",
        dtype=options.dtype,
        method=options.method,
        batch_tokens=config["compute"]["batch_tokens"],
        activation_threshold=config["statistics"]["activation_threshold"],
    shell:
        "python {params.command} "
        "--model {params.model:q} --dtype {params.dtype:q} "
        "--windows {input.windows:q} --contrast-windows {input.contrast_windows:q} "
        "--statistics {input.statistics:q} --contrast-statistics {input.contrast:q} "
        "--name {wildcards.method:q} --method {params.method:q} --sparsity {wildcards.sparsity:q} "
        "--seed {wildcards.seed:q} --batch-tokens {params.batch_tokens:q} "
        "--activation-threshold {params.activation_threshold:q} "
        "--activation-memory-mb {resources.activation_mb:q} --threads {threads} "
        "--progress {output.pruned:q}.progress --output {output.pruned:q} > {log:q} 2>&1"


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
        method=one_of(plan.moving),
    resources:
        mem_mb=ask.update_memory,
        runtime=ask.sequential_minutes,
        gpu=1,
        activation_mb=ask.activation_mb,


rule masks:
    """The masks of every method and sparsity, or the new weights."""
    input:
        when_asked(plan.all_pruned, plan.models),
    localrule: True


rule export_model:
    """Write a pruned model as a Hugging Face folder with a model card."""
    input:
        model="<resources>/models/{model}/manifest.json",
        mask=ancient(plan.pruned),
        record=plan.pruned_record,
        perplexity=plan.perplexity_of_run,
        dense=plan.dense_perplexity,
    output:
        manifest="<results>/{model}/seed{seed}/export/{method}/{sparsity}/manifest.json",
    log:
        "<logs>/export_model/{model}/seed{seed}/{method}/{sparsity}.log",
    benchmark:
        "<benchmarks>/export_model/{model}/seed{seed}/{method}/{sparsity}.jsonl"
    wildcard_constraints:
        method=one_of(plan.methods),
    conda:
        "../envs/pruning.yaml"
    threads: 1
    resources:
        mem_mb=growing(2500),
        runtime=ask.model_minutes,
    params:
        command=job("export_model.py"),
        model="resources/models/{model}",
        languages=options.language_names,
        folder=subpath(output.manifest, parent=True),
    shell:
        "python {params.command} "
        "--model {params.model:q} --mask {input.mask:q} "
        "--seed {wildcards.seed:q} --languages {params.languages:q} "
        '--perplexity "$(dirname {input.perplexity[0]:q})" '
        '--dense-perplexity "$(dirname {input.dense[0]:q})" '
        "--output {params.folder:q} > {log:q} 2>&1"
