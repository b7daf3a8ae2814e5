"""Stage 5, evaluation: masked models -> perplexity of every language, scores of downstream tasks.

A method that has constants to choose is evaluated twice: first its candidates on validation text,
whose choice goes back to pruning, then what came of it on test text.

reads   <resources>/models/{model}/, <resources>/corpora/{corpus}/{language}/{split}.jsonl,
        <results>/{model}/seed{seed}/masks/{method}/{sparsity}.safetensors, or weights/
        <results>/{model}/seed{seed}/statistics/{calibration}.safetensors (candidates)
writes  <results>/{model}/seed{seed}/perplexity/{method}/{sparsity}/{language}.json
        <results>/{model}/seed{seed}/sweep/{method}/{candidate}.json and chosen.json
        <results>/tasks/{task}/{language}/ (a task built from a parallel corpus)
        <results>/{model}/seed{seed}/downstream/{method}/{sparsity}/{task}/{language}.json
        <results>/{model}/cache/{key}.json (what was computed before is taken from here)
"""


rule evaluate_perplexity:
    """Load one model, mask it, and score every language's text that is not scored yet."""
    input:
        model="<resources>/models/{model}/manifest.json",
        mask=ancient(mask_of),
        record=record_of,
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
        code=code_of("evaluate_perplexity.py"),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--model {params.model:q} --dtype {params.dtype:q} "
        "--mask {input.mask:q} --seed {wildcards.seed:q} --method {wildcards.method:q} "
        "--sparsity {wildcards.sparsity:q} "
        "--corpora {params.corpora:q} --languages {params.languages:q} --split {params.split:q} "
        "--length {params.length:q} --tokens {params.tokens:q} "
        "--batch-tokens {params.batch_tokens:q} --threads {threads} "
        "--cache {params.cache:q} --output {params.records:q} > {log:q} 2>&1"


rule evaluate_candidate:
    """Prune with candidate constants, in memory, and score validation text."""
    input:
        model="<resources>/models/{model}/manifest.json",
        statistics=statistics_of,
        contrast=contrast_of,
        texts=[text_of(language, "validation") for language in CALIBRATED],
    output:
        record="<results>/{model}/seed{seed}/sweep/{method}/{candidate}.json",
    log:
        "<logs>/evaluate_candidate/{model}/seed{seed}/{method}/{candidate}.log",
    benchmark:
        "<benchmarks>/evaluate_candidate/{model}/seed{seed}/{method}/{candidate}.jsonl"
    wildcard_constraints:
        method=one_of(CHOOSING),
        candidate=one_of(
            sorted({one.name for name in CHOOSING for one in experiment.candidates(config, name)})
        ),
    conda:
        "../envs/evaluation.yaml"
    threads: 1
    resources:
        mem_mb=model_memory,
        runtime=model_minutes,
        gpu=1,
    params:
        script=script("evaluate_candidate.py"),
        model=model_folder,
        dtype=dtype,
        method=candidate_options,
        constants=constants_of,
        sparsity=sweep_sparsity,
        languages=canonical({code: config["languages"][code]["corpus"] for code in CALIBRATED}),
        corpora=corpora_folder,
        length=PERPLEXITY["length"],
        tokens=PERPLEXITY.get("tokens", ""),
        batch_tokens=config["compute"]["batch_tokens"],
        cache=cache_folder,
        code=code_of("evaluate_candidate.py", modules_of_method),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--model {params.model:q} --dtype {params.dtype:q} "
        "--statistics {input.statistics:q} --contrast {input.contrast:q} "
        "--name {wildcards.method:q} --method {params.method:q} --sparsity {params.sparsity:q} "
        "--candidate {wildcards.candidate:q} --constants {params.constants:q} "
        "--seed {wildcards.seed:q} "
        "--corpora {params.corpora:q} --languages {params.languages:q} --split validation "
        "--length {params.length:q} --tokens {params.tokens:q} "
        "--batch-tokens {params.batch_tokens:q} --threads {threads} "
        "--cache {params.cache:q} --output {output.record:q} > {log:q} 2>&1"


rule choose_constants:
    """Take the simplest candidate within one standard error of the best on validation text."""
    input:
        records=sweep_records,
    output:
        chosen="<results>/{model}/seed{seed}/sweep/{method}/chosen.json",
    log:
        "<logs>/choose_constants/{model}/seed{seed}/{method}.log",
    benchmark:
        "<benchmarks>/choose_constants/{model}/seed{seed}/{method}.jsonl"
    wildcard_constraints:
        method=one_of(CHOOSING),
    conda:
        "../envs/evaluation.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        script=script("choose_constants.py"),
        folder=folder_of_choice,
        candidates=candidates_of,
        sparsity=sweep_sparsity,
        code=code_of("choose_constants.py"),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--folder {params.folder:q} --candidates {params.candidates:q} "
        "--model {wildcards.model:q} --seed {wildcards.seed:q} --name {wildcards.method:q} "
        "--sparsity {params.sparsity:q} --output {output.chosen:q} > {log:q} 2>&1"


rule perplexity:
    """The perplexity of every model, method, sparsity and language."""
    input:
        [records_of(model) for model in MODELS],
    localrule: True


rule build_cloze:
    """Build one language of a four-way continuation task from a parallel corpus."""
    input:
        pivot=cloze_pivot,
        text=cloze_text,
    output:
        task="<results>/tasks/{task}/{language}/task.json",
        rows="<results>/tasks/{task}/{language}/test.jsonl",
        harness="<results>/tasks/{task}/{language}/{task}_{language}.yaml",
    log:
        "<logs>/build_cloze/{task}/{language}.log",
    benchmark:
        "<benchmarks>/build_cloze/{task}/{language}.jsonl"
    conda:
        "../envs/evaluation.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        script=script("build_cloze.py"),
        most=cloze_option("items"),
        context=cloze_option("context_characters"),
        choice=cloze_option("choice_characters"),
        seed=0,  # the same items whatever the seeds of the calibration text
        code=code_of("build_cloze.py"),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--task {wildcards.task:q} --language {wildcards.language:q} "
        "--pivot {input.pivot:q} --text {input.text:q} --items {params.most:q} "
        "--context-characters {params.context:q} --choice-characters {params.choice:q} "
        "--seed {params.seed:q} --output {output.task:q} > {log:q} 2>&1"


# One rule a task, since the languages of a task, and so the outputs of a job, differ.
for TASK in DOWNSTREAM.get("tasks", []):

    rule:
        name:
            f"evaluate_{TASK}"
        input:
            model="<resources>/models/{model}/manifest.json",
            mask=ancient(mask_of),
            record=record_of,
            tasks=task_files(TASK),
        output:
            records=task_records(TASK),
        log:
            f"<logs>/evaluate_{TASK}/{{model}}/seed{{seed}}/{{method}}/{{sparsity}}.log",
        benchmark:
            f"<benchmarks>/evaluate_{TASK}/{{model}}/seed{{seed}}/{{method}}/{{sparsity}}.jsonl"
        conda:
            "../envs/evaluation.yaml"
        threads: 1
        resources:
            mem_mb=model_memory,
            runtime=model_minutes,
            gpu=1,
        params:
            script=script("evaluate_downstream.py"),
            model=model_folder,
            dtype=dtype,
            task=TASK,
            languages=canonical(task_languages(TASK)),
            tasks=folder_of_task(TASK),
            limit=DOWNSTREAM.get("limit", ""),
            batch_size=DOWNSTREAM["batch_size"],
            cache=cache_folder,
            records=folder_of_records,
            code=code_of("evaluate_downstream.py"),
        shell:
            "python {params.script:q} --code {params.code:q} "
            "--model {params.model:q} --dtype {params.dtype:q} "
            "--mask {input.mask:q} --seed {wildcards.seed:q} --method {wildcards.method:q} "
            "--sparsity {wildcards.sparsity:q} --task {params.task:q} "
            "--tasks-folder {params.tasks:q} --languages {params.languages:q} "
            "--limit {params.limit:q} --batch-size {params.batch_size:q} --threads {threads} "
            "--cache {params.cache:q} --output {params.records:q} > {log:q} 2>&1"


rule downstream:
    """The downstream scores of every model, method, sparsity, task and language."""
    input:
        [downstream_records_of(model) for model in MODELS],
    localrule: True
