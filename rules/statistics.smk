"""Stage 3, statistics: windows -> additive activation statistics, one dense pass per set.

reads   <resources>/models/{model}/, <results>/{model}/seed{seed}/calibration/{calibration}.safetensors
writes  <results>/{model}/seed{seed}/statistics/{calibration}.safetensors
        <results>/{model}/seed{seed}/statistics/order.json (for methods that choose languages)
"""


rule collect_statistics:
    """Sum the activations of every module input over one calibration set's windows."""
    input:
        model="<resources>/models/{model}/manifest.json",
        windows="<results>/{model}/seed{seed}/calibration/{calibration}.safetensors",
    output:
        statistics="<results>/{model}/seed{seed}/statistics/{calibration}.safetensors",
    log:
        "<logs>/collect_statistics/{model}/seed{seed}/{calibration}.log",
    benchmark:
        "<benchmarks>/collect_statistics/{model}/seed{seed}/{calibration}.jsonl"
    conda:
        "../envs/statistics.yaml"
    threads: 1
    resources:
        mem_mb=model_memory,
        runtime=model_minutes,
        gpu=1,
    params:
        script=script("collect_statistics.py"),
        model=model_folder,
        dtype=dtype,
        batch_tokens=config["compute"]["batch_tokens"],
        activation_threshold=config["statistics"]["activation_threshold"],
        activation_thresholds=experiment.activation_thresholds(config),
        code=code_of("collect_statistics.py"),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--model {params.model:q} --dtype {params.dtype:q} "
        "--windows {input.windows:q} --batch-tokens {params.batch_tokens:q} "
        "--activation-threshold {params.activation_threshold:q} "
        "--activation-thresholds {params.activation_thresholds:q} --threads {threads} "
        "--output {output.statistics:q} > {log:q} 2>&1"


rule rank_languages:
    """Order the calibration languages so that each next one is farthest from those before it."""
    input:
        model="<resources>/models/{model}/manifest.json",
        statistics=statistics_of_pool,
    output:
        order="<results>/{model}/seed{seed}/statistics/order.json",
    log:
        "<logs>/rank_languages/{model}/seed{seed}.log",
    benchmark:
        "<benchmarks>/rank_languages/{model}/seed{seed}.jsonl"
    conda:
        "../envs/statistics.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        script=script("rank_languages.py"),
        model=model_folder,
        code=code_of("rank_languages.py"),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--model {params.model:q} --statistics {input.statistics:q} --seed {wildcards.seed:q} "
        "--output {output.order:q} > {log:q} 2>&1"
