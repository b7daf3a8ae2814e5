"""Stage 2, calibration: text -> windows of tokens, drawn per language or pair, and seed.

reads   <resources>/models/{model}/ (tokenizer), <resources>/corpora/{corpus}/{language}/
writes  <results>/{model}/seed{seed}/calibration/{language}.safetensors (code: the contrast set)
        <results>/{model}/seed{seed}/calibration/{source}-{target}.safetensors (demonstrations)

`plan` (paths) and `job` (commands) come from common.smk.
"""


rule sample_calibration:
    """Draw seeded windows that do not overlap from a language's calibration text."""
    input:
        model="<resources>/models/{model}/manifest.json",
        text=plan.calibration_text,
    output:
        windows="<results>/{model}/seed{seed}/calibration/{language}.safetensors",
    log:
        "<logs>/sample_calibration/{model}/seed{seed}/{language}.log",
    benchmark:
        "<benchmarks>/sample_calibration/{model}/seed{seed}/{language}.jsonl"
    conda:
        "../envs/calibration.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        command=job("sample_calibration.py"),
        model="resources/models/{model}",
        samples=config["calibration"]["samples"],
        length=config["calibration"]["length"],
        start_token=config["calibration"]["start_token"],
    shell:
        "python {params.command} "
        "--model {params.model:q} --text {input.text:q} "
        "--name {wildcards.language:q} --samples {params.samples:q} --length {params.length:q} "
        "--start-token {params.start_token:q} --seed {wildcards.seed:q} "
        "--output {output.windows:q} > {log:q} 2>&1"


rule sample_demonstrations:
    """Draw seeded few-shot demonstrations of a pair of languages from a parallel corpus."""
    input:
        model="<resources>/models/{model}/manifest.json",
        source=plan.source_text,
        target=plan.target_text,
    output:
        windows="<results>/{model}/seed{seed}/calibration/{source}-{target}.safetensors",
    log:
        "<logs>/sample_demonstrations/{model}/seed{seed}/{source}-{target}.log",
    benchmark:
        "<benchmarks>/sample_demonstrations/{model}/seed{seed}/{source}-{target}.jsonl"
    conda:
        "../envs/calibration.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        command=job("sample_demonstrations.py"),
        model="resources/models/{model}",
        source_name=lookup("languages/{source}/name", within=config),
        target_name=lookup("languages/{target}/name", within=config),
        shots=lookup("calibration/demonstrations/shots", within=config, default=None),
        samples=lookup("calibration/demonstrations/samples", within=config, default=None),
        length=lookup("calibration/demonstrations/length", within=config, default=None),
        start_token=config["calibration"]["start_token"],
    shell:
        "python {params.command} "
        "--model {params.model:q} "
        "--source {input.source:q} --source-name={params.source_name:q} "
        "--target {input.target:q} --target-name={params.target_name:q} "
        "--name {wildcards.source:q}-{wildcards.target:q} --shots {params.shots:q} "
        "--samples {params.samples:q} --length {params.length:q} "
        "--start-token {params.start_token:q} --seed {wildcards.seed:q} "
        "--output {output.windows:q} > {log:q} 2>&1"
