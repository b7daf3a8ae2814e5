"""Stage 3, statistics: windows -> additive activation statistics, one dense pass per set.

reads   <resources>/models/{model}/, <results>/{model}/seed{seed}/calibration/{calibration}.safetensors
writes  <results>/{model}/seed{seed}/statistics/{calibration}.safetensors
        <results>/{model}/seed{seed}/statistics/order.json (for methods that choose languages)

`plan` (paths), `options`, `ask` (memory, time, GPUs) and `job` (commands) come from common.smk.
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
        mem_mb=ask.model_memory,
        runtime=ask.model_minutes,
        gpu=ask.gpus,
    params:
        command=job("collect_statistics.py"),
        model="resources/models/{model}",
        dtype=options.dtype,
        batch_tokens=config["compute"]["batch_tokens"],
        activation_threshold=config["statistics"]["activation_threshold"],
        activation_thresholds=options.activation_thresholds,
        absolute_thresholds=options.absolute_thresholds,
        means=options.statistics_spread,
    shell:
        "python {params.command} "
        "--model {params.model:q} --dtype {params.dtype:q} "
        "--windows {input.windows:q} --batch-tokens {params.batch_tokens:q} "
        "--activation-threshold {params.activation_threshold:q} "
        "--activation-thresholds {params.activation_thresholds:q} "
        "--absolute-thresholds {params.absolute_thresholds:q} --means {params.means:q} "
        "--threads {threads} "
        "--output {output.statistics:q} > {log:q} 2>&1"


rule rank_languages:
    """Order the calibration languages so that each next one is farthest from those before it."""
    input:
        model="<resources>/models/{model}/manifest.json",
        statistics=plan.pool_statistics,
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
        command=job("rank_languages.py"),
        model="resources/models/{model}",
    shell:
        "python {params.command} "
        "--model {params.model:q} --statistics {input.statistics:q} --seed {wildcards.seed:q} "
        "--output {output.order:q} > {log:q} 2>&1"
