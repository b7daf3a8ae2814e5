"""Stage 5, evaluation: masked models -> perplexity of every language.

reads   <resources>/models/{model}/, <resources>/corpora/{corpus}/{language}/{split}.jsonl,
        <results>/{model}/seed{seed}/masks/{method}/{sparsity}.safetensors
writes  <results>/{model}/seed{seed}/perplexity/{method}/{sparsity}/{language}.json
        <results>/{model}/cache/{key}.json (what was computed before is taken from here)
"""


rule evaluate_perplexity:
    """Load one model, mask it, and score every language's text that is not scored yet."""
    input:
        model="<resources>/models/{model}/manifest.json",
        mask=mask_of,
        texts=[text_of(language, PERPLEXITY["split"]) for language in LANGUAGES],
    output:
        records=expand(
            "<results>/{{model}}/seed{{seed}}/perplexity/{{method}}/{{sparsity}}/{language}.json",
            language=LANGUAGES,
        ),
    log:
        "<logs>/evaluate_perplexity/{model}/seed{seed}/{method}/{sparsity}.log",
    benchmark:
        "<benchmarks>/evaluate_perplexity/{model}/seed{seed}/{method}/{sparsity}.jsonl"
    conda:
        "../envs/evaluation.yaml"
    threads: 1
    resources:
        mem_mb=model_memory,
        runtime=model_minutes,
        gpu=1,
    params:
        script=script("evaluate_perplexity.py"),
        model=model_folder,
        dtype=dtype,
        languages=canonical({code: config["languages"][code]["corpus"] for code in LANGUAGES}),
        corpora=corpora_folder,
        split=PERPLEXITY["split"],
        length=PERPLEXITY["length"],
        tokens=PERPLEXITY.get("tokens", ""),
        batch_tokens=config["compute"]["batch_tokens"],
        cache=cache_folder,
        records=folder_of_records,
        code=code_digest("evaluate_perplexity.py"),
    shell:
        "python {params.script} --model {params.model:q} --dtype {params.dtype} "
        "--mask {input.mask:q} --seed {wildcards.seed} --method {wildcards.method} "
        "--sparsity {wildcards.sparsity} "
        "--corpora {params.corpora} --languages {params.languages:q} --split {params.split} "
        "--length {params.length} --tokens {params.tokens} "
        "--batch-tokens {params.batch_tokens} --threads {threads} "
        "--cache {params.cache:q} --output {params.records:q} > {log:q} 2>&1"


rule perplexity:
    """The perplexity of every model, method, sparsity and language."""
    input:
        [records_of(model) for model in MODELS],
    localrule: True
