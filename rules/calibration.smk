"""Stage 2, calibration: text -> windows of tokens, drawn per language and seed.

reads   <resources>/models/{model}/ (tokenizer), <resources>/corpora/{corpus}/{language}/
writes  <results>/{model}/seed{seed}/calibration/{language}.safetensors
"""


rule sample_calibration:
    """Draw seeded windows that do not overlap from a language's calibration text."""
    input:
        model="<resources>/models/{model}/manifest.json",
        text=calibration_text,
    output:
        windows="<results>/{model}/seed{seed}/calibration/{language}.safetensors",
    log:
        "<logs>/sample_calibration/{model}/seed{seed}/{language}.log",
    benchmark:
        "<benchmarks>/sample_calibration/{model}/seed{seed}/{language}.jsonl"
    conda:
        "../envs/calibration.yaml"
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        script=script("sample_calibration.py"),
        model=model_folder,
        samples=config["calibration"]["samples"],
        length=config["calibration"]["length"],
        code=code_digest("sample_calibration.py"),
    shell:
        "python {params.script} --model {params.model:q} --text {input.text:q} "
        "--name {wildcards.language} --samples {params.samples} --length {params.length} "
        "--seed {wildcards.seed} --output {output.windows:q} > {log:q} 2>&1"
