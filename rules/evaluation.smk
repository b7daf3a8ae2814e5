"""Stage 5, evaluation: masked models -> perplexity of every language, scores of downstream tasks.

A method that has constants to choose is evaluated twice: first its candidates on validation text,
whose choice goes back to pruning, then what came of it on test text. A model that was pruned for one
language alone has jobs of one language; others have one job for all of them.

reads   <resources>/models/{model}/, <resources>/corpora/{corpus}/{language}/{split}.jsonl,
        <results>/{model}/seed{seed}/masks/{method}/{sparsity}.safetensors, or weights/
        <results>/{model}/seed{seed}/statistics/{calibration}.safetensors (candidates)
writes  <results>/{model}/seed{seed}/perplexity/{method}/{sparsity}/{language}.json
        <results>/{model}/seed{seed}/sweep/{method}/{candidate}.json and chosen.json, where several
        seeds decide also screened.json and finalists.json
        <results>/tasks/{task}/{language}/ (a task built from a parallel corpus)
        <results>/{model}/seed{seed}/downstream/{method}/{sparsity}/{task}/{language}.json
        <results>/{model}/seed{seed}/examples/{method}/{sparsity}.json
        <results>/{model}/cache/{key}.json (what was computed before is taken from here)

`plan` (paths), `options`, `ask` (memory, time, GPUs) and `job` (commands) come from common.smk.
"""


rule evaluate_perplexity:
    """Load one model, mask it, and score every language's text that is not scored yet."""
    input:
        model="<resources>/models/{model}/manifest.json",
        mask=ancient(plan.pruned),
        record=plan.pruned_record,
        texts=plan.test_texts(),
    output:
        records=expand(
            "<results>/{{model}}/seed{{seed}}/perplexity/{{method}}/{{sparsity}}/{language}.json",
            language=plan.languages,
        ),
    log:
        "<logs>/evaluate_perplexity/{model}/seed{seed}/{method}/{sparsity}.log",
    benchmark:
        "<benchmarks>/evaluate_perplexity/{model}/seed{seed}/{method}/{sparsity}.jsonl"
    wildcard_constraints:
        method=one_of(plan.evaluated_in_all),
    conda:
        "../envs/evaluation.yaml"
    threads: 1
    resources:
        mem_mb=ask.model_memory,
        runtime=ask.model_minutes,
        gpu=ask.gpus,
    params:
        command=job("evaluate_perplexity.py"),
        results=options.results,
        model="resources/models/{model}",
        dtype=options.dtype,
        languages=options.corpora(plan.languages),
        split=config["evaluation"]["perplexity"]["split"],
        length=config["evaluation"]["perplexity"]["length"],
        tokens=config["evaluation"]["perplexity"].get("tokens", ""),
        batch_tokens=config["compute"]["batch_tokens"],
    shell:
        "python {params.command} "
        "--model {params.model:q} --dtype {params.dtype:q} "
        "--mask {input.mask:q} --seed {wildcards.seed:q} --method {wildcards.method:q} "
        "--sparsity {wildcards.sparsity:q} "
        "--corpora resources/corpora --languages {params.languages:q} --split {params.split:q} "
        "--length {params.length:q} --tokens {params.tokens:q} "
        "--batch-tokens {params.batch_tokens:q} --threads {threads} "
        "--cache {params.results:q}/{wildcards.model:q}/cache "
        '--output "$(dirname {output.records[0]:q})" > {log:q} 2>&1'


use rule evaluate_perplexity as evaluate_own_language with:
    """Load the model that was pruned for one language, mask it, and score that language's text."""
    input:
        model="<resources>/models/{model}/manifest.json",
        mask=ancient(plan.pruned),
        record=plan.pruned_record,
        texts=plan.own_text,
    output:
        records=["<results>/{model}/seed{seed}/perplexity/{method}/{sparsity}/{language}.json"],
    log:
        "<logs>/evaluate_own_language/{model}/seed{seed}/{method}/{sparsity}/{language}.log",
    benchmark:
        "<benchmarks>/evaluate_own_language/{model}/seed{seed}/{method}/{sparsity}/{language}.jsonl"
    wildcard_constraints:
        method=one_of(plan.members),
    params:
        languages=options.corpus_of_language,


rule evaluate_candidate:
    """Prune with candidate constants, in memory, and score validation text."""
    input:
        model="<resources>/models/{model}/manifest.json",
        statistics=plan.statistics,
        contrast=plan.contrast,
        texts=plan.validation_texts(),
    output:
        record="<results>/{model}/seed{seed}/sweep/{method}/{candidate}.json",
    log:
        "<logs>/evaluate_candidate/{model}/seed{seed}/{method}/{candidate}.log",
    benchmark:
        "<benchmarks>/evaluate_candidate/{model}/seed{seed}/{method}/{candidate}.jsonl"
    wildcard_constraints:
        method=one_of(plan.choosing),
        candidate=one_of(plan.candidate_names),
    conda:
        "../envs/evaluation.yaml"
    threads: 1
    resources:
        mem_mb=ask.model_memory,
        runtime=ask.model_minutes,
        gpu=ask.gpus,
    params:
        command=job("evaluate_candidate.py", modules.of_method),
        results=options.results,
        model="resources/models/{model}",
        dtype=options.dtype,
        method=options.candidate,
        constants=options.constants,
        sparsity=options.sparsity_of_choice,
        languages=options.corpora(plan.calibrated),
        length=config["evaluation"]["perplexity"]["length"],
        tokens=config["evaluation"]["perplexity"].get("tokens", ""),
        batch_tokens=config["compute"]["batch_tokens"],
    shell:
        "python {params.command} "
        "--model {params.model:q} --dtype {params.dtype:q} "
        "--statistics {input.statistics:q} --contrast {input.contrast:q} "
        "--name {wildcards.method:q} --method {params.method:q} --sparsity {params.sparsity:q} "
        "--candidate {wildcards.candidate:q} --constants {params.constants:q} "
        "--seed {wildcards.seed:q} "
        "--corpora resources/corpora --languages {params.languages:q} --split validation "
        "--length {params.length:q} --tokens {params.tokens:q} "
        "--batch-tokens {params.batch_tokens:q} --threads {threads} "
        "--cache {params.results:q}/{wildcards.model:q}/cache --output {output.record:q} > {log:q} 2>&1"


rule evaluate_finalists:
    """Prune with each finalist's constants, in memory, and score validation text."""
    input:
        model="<resources>/models/{model}/manifest.json",
        statistics=plan.statistics,
        contrast=plan.contrast,
        texts=plan.validation_texts(),
        screened=plan.screened,
    output:
        records="<results>/{model}/seed{seed}/sweep/{method}/finalists.json",
    log:
        "<logs>/evaluate_finalists/{model}/seed{seed}/{method}.log",
    benchmark:
        "<benchmarks>/evaluate_finalists/{model}/seed{seed}/{method}.jsonl"
    wildcard_constraints:
        method=one_of(plan.deciding),
    conda:
        "../envs/evaluation.yaml"
    threads: 1
    resources:
        mem_mb=ask.model_memory,
        runtime=ask.finalists_minutes,
        gpu=ask.gpus,
    params:
        command=job("evaluate_candidate.py", modules.of_method),
        results=options.results,
        model="resources/models/{model}",
        dtype=options.dtype,
        method=options.method,
        sparsity=options.sparsity_of_choice,
        languages=options.corpora(plan.calibrated),
        length=config["evaluation"]["perplexity"]["length"],
        tokens=config["evaluation"]["perplexity"].get("tokens", ""),
        batch_tokens=config["compute"]["batch_tokens"],
    shell:
        "python {params.command} "
        "--model {params.model:q} --dtype {params.dtype:q} "
        "--statistics {input.statistics:q} --contrast {input.contrast:q} "
        "--name {wildcards.method:q} --method {params.method:q} --sparsity {params.sparsity:q} "
        "--finalists-of {input.screened:q} --seed {wildcards.seed:q} "
        "--corpora resources/corpora --languages {params.languages:q} --split validation "
        "--length {params.length:q} --tokens {params.tokens:q} "
        "--batch-tokens {params.batch_tokens:q} --threads {threads} "
        "--cache {params.results:q}/{wildcards.model:q}/cache --output {output.records:q} > {log:q} 2>&1"


rule choose_constants:
    """Take the simplest candidate within one standard error of the best on validation text."""
    input:
        records=plan.measured_once,
        decided=plan.finalists,
    output:
        chosen="<results>/{model}/seed{seed}/sweep/{method}/chosen.json",
    log:
        "<logs>/choose_constants/{model}/seed{seed}/{method}.log",
    benchmark:
        "<benchmarks>/choose_constants/{model}/seed{seed}/{method}.jsonl"
    wildcard_constraints:
        method=one_of(plan.choosing),
    conda:
        "../envs/evaluation.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        command=job("choose_constants.py"),
        folder=subpath(output.chosen, parent=True),
        candidates=options.candidates,
        finalists="",
        sparsity=options.sparsity_of_choice,
    shell:
        "python {params.command} "
        "--folder {params.folder:q} --candidates {params.candidates:q} "
        "--finalists {params.finalists:q} --decided-by {input.decided:q} "
        "--model {wildcards.model:q} --seed {wildcards.seed:q} --name {wildcards.method:q} "
        "--sparsity {params.sparsity:q} --output {output.chosen:q} > {log:q} 2>&1"


use rule choose_constants as screen_candidates with:
    """Rank all candidates on the smallest seed, and name the finalists."""
    input:
        records=plan.candidates,
        decided=[],
    output:
        chosen="<results>/{model}/seed{seed}/sweep/{method}/screened.json",
    log:
        "<logs>/screen_candidates/{model}/seed{seed}/{method}.log",
    benchmark:
        "<benchmarks>/screen_candidates/{model}/seed{seed}/{method}.jsonl"
    wildcard_constraints:
        method=one_of(plan.deciding),
    params:
        finalists=options.finalists,


rule perplexity:
    """The perplexity of every model, method, sparsity and language."""
    input:
        when_asked(plan.all_perplexity, plan.models),
    localrule: True


rule generate_examples:
    """Let one model, dense or masked, continue the prompts of every language."""
    input:
        model="<resources>/models/{model}/manifest.json",
        mask=ancient(plan.pruned),
        record=plan.pruned_record,
    output:
        record="<results>/{model}/seed{seed}/examples/{method}/{sparsity}.json",
    log:
        "<logs>/generate_examples/{model}/seed{seed}/{method}/{sparsity}.log",
    benchmark:
        "<benchmarks>/generate_examples/{model}/seed{seed}/{method}/{sparsity}.jsonl"
    conda:
        "../envs/evaluation.yaml"
    threads: 1
    resources:
        mem_mb=ask.model_memory,
        runtime=ask.model_minutes,
        gpu=ask.gpus,
    params:
        command=job("generate_examples.py"),
        results=options.results,
        model="resources/models/{model}",
        dtype=options.dtype,
        prompts=options.prompts,
        tokens=config["evaluation"].get("examples", {}).get("tokens", ""),
    shell:
        "python {params.command} "
        "--model {params.model:q} --dtype {params.dtype:q} "
        "--mask {input.mask:q} --seed {wildcards.seed:q} --method {wildcards.method:q} "
        "--sparsity {wildcards.sparsity:q} "
        "--prompts {params.prompts:q} --tokens {params.tokens:q} --threads {threads} "
        "--cache {params.results:q}/{wildcards.model:q}/cache --output {output.record:q} > {log:q} 2>&1"


rule build_parallel_task:
    """Build one language of a downstream task from a parallel corpus."""
    input:
        pivot=plan.task_pivot,
        text=plan.task_text,
    output:
        task="<results>/tasks/{task}/{language}/task.json",
        rows="<results>/tasks/{task}/{language}/test.jsonl",
        harness="<results>/tasks/{task}/{language}/{task}_{language}.yaml",
    log:
        "<logs>/build_parallel_task/{task}/{language}.log",
    benchmark:
        "<benchmarks>/build_parallel_task/{task}/{language}.jsonl"
    conda:
        "../envs/evaluation.yaml"
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        command=job("build_parallel_task.py", modules.of_task),
        settings=options.settings_of_task,
        seed=0,  # the same items whatever the seeds of the calibration text
    shell:
        "python {params.command} "
        "--task {wildcards.task:q} --language {wildcards.language:q} "
        "--pivot {input.pivot:q} --text {input.text:q} --settings {params.settings:q} "
        "--seed {params.seed:q} --output {output.task:q} > {log:q} 2>&1"


# One rule a task, since the languages of a task, and so the outputs of a job, differ; and one with a
# single language for the models that were pruned for one.
for TASK, ALONE in plan.task_rules():

    rule:
        name:
            plan.task_rule(TASK, ALONE)
        input:
            model="<resources>/models/{model}/manifest.json",
            mask=ancient(plan.pruned),
            record=plan.pruned_record,
            tasks=plan.task_files(TASK, ALONE),
        output:
            records=plan.task_records(TASK, ALONE),
        log:
            f"<logs>/{plan.task_job(TASK, ALONE)}.log",
        benchmark:
            f"<benchmarks>/{plan.task_job(TASK, ALONE)}.jsonl"
        wildcard_constraints:
            method=one_of(plan.members if ALONE else plan.evaluated_in_all),
        conda:
            "../envs/evaluation.yaml"
        threads: 1
        resources:
            mem_mb=ask.model_memory,
            runtime=ask.model_minutes,
            gpu=ask.gpus,
        params:
            command=job("evaluate_downstream.py"),
            results=options.results,
            model="resources/models/{model}",
            dtype=options.dtype,
            task=TASK,
            languages=options.languages_of_task(TASK, ALONE),
            tasks=options.folder_of_task(TASK),
            content_of_template=options.content_of_template(TASK),
            limit=config["evaluation"]["downstream"].get("limit", ""),
            batch_size=config["evaluation"]["downstream"]["batch_size"],
        shell:
            "python {params.command} "
            "--model {params.model:q} --dtype {params.dtype:q} "
            "--mask {input.mask:q} --seed {wildcards.seed:q} --method {wildcards.method:q} "
            "--sparsity {wildcards.sparsity:q} --task {params.task:q} "
            "--tasks-folder {params.tasks:q} --languages {params.languages:q} "
            "--limit {params.limit:q} --batch-size {params.batch_size:q} --threads {threads} "
            "--cache {params.results:q}/{wildcards.model:q}/cache "
            '--output "$(dirname {output.records[0]:q})" > {log:q} 2>&1'


rule downstream:
    """The downstream scores of every model, method, sparsity, task and language."""
    input:
        when_asked(plan.all_downstream, plan.models),
    localrule: True
