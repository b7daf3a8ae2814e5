"""Stage 6, figures: records -> tidy tables, intervals, verdicts on claims, figures, captions.

reads   <results>/{model}/seed{seed}/perplexity/, downstream/, sweep/, masks/, weights/ (metadata),
        <results>/{model}/seed{seed}/statistics/,
        config/claims.yaml, <benchmarks>/ (cost of the methods)
writes  <results>/tables/{table}.csv and .html, <results>/tables/claims.md and .tex,
        <results>/figures/{figure}-{model}.pdf and .png,
        <results>/captions/{figure}-{model}.rst and claims.rst
"""


localrules:
    tabulate_perplexity,
    tabulate_allocation,
    tabulate_correlation,
    tabulate_overlap,
    tabulate_downstream,
    tabulate_sweep,
    tabulate_scaling,
    tabulate_structure,
    tabulate_scaling_cost,
    judge_claims,
    write_claims,
    join_tables,
    draw_figure,


rule tabulate_perplexity:
    """Gather one model's records: ratios, intervals, means over languages."""
    input:
        records=records_of_model,
    output:
        perplexity="<results>/tables/by_model/{model}/perplexity.csv",
        summary="<results>/tables/by_model/{model}/summary.csv",
    log:
        "<logs>/tabulate_perplexity/{model}.log",
    benchmark:
        "<benchmarks>/tabulate_perplexity/{model}.jsonl"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        script=script("tabulate_perplexity.py"),
        results=results_folder,
        grid=TABLE_GRID,
        code=code_digest("tabulate_perplexity.py"),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--results {params.results:q} --model {wildcards.model:q} "
        "--grid {params.grid:q} --perplexity {output.perplexity:q} --summary {output.summary:q} "
        "> {log:q} 2>&1"


rule tabulate_allocation:
    """Gather the sparsity of every block from one model's masks."""
    input:
        masks=masks_of_model,
    output:
        allocation="<results>/tables/by_model/{model}/allocation.csv",
    log:
        "<logs>/tabulate_allocation/{model}.log",
    benchmark:
        "<benchmarks>/tabulate_allocation/{model}.jsonl"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        script=script("tabulate_allocation.py"),
        results=results_folder,
        grid=ALLOCATION_GRID,
        code=code_digest("tabulate_allocation.py"),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--results {params.results:q} --model {wildcards.model:q} "
        "--grid {params.grid:q} --output {output.allocation:q} > {log:q} 2>&1"


rule tabulate_correlation:
    """Correlate the languages' activation norms at every module input of one model."""
    input:
        statistics=statistics_of_model,
    output:
        correlation="<results>/tables/by_model/{model}/correlation.csv",
    log:
        "<logs>/tabulate_correlation/{model}.log",
    benchmark:
        "<benchmarks>/tabulate_correlation/{model}.jsonl"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        script=script("tabulate_correlation.py"),
        results=results_folder,
        grid=CORRELATION_GRID,
        code=code_digest("tabulate_correlation.py"),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--results {params.results:q} --model {wildcards.model:q} "
        "--grid {params.grid:q} --output {output.correlation:q} > {log:q} 2>&1"


rule tabulate_overlap:
    """Compare the strongest and weakest channels of all calibration sets of one model."""
    input:
        statistics=all_statistics_of_model,
    output:
        overlap="<results>/tables/by_model/{model}/overlap.csv",
    log:
        "<logs>/tabulate_overlap/{model}.log",
    benchmark:
        "<benchmarks>/tabulate_overlap/{model}.jsonl"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        script=script("tabulate_overlap.py"),
        results=results_folder,
        grid=CORRELATION_GRID,
        sets=canonical(CALIBRATION_SETS),
        code=code_digest("tabulate_overlap.py"),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--results {params.results:q} --model {wildcards.model:q} "
        "--grid {params.grid:q} --sets {params.sets:q} --output {output.overlap:q} > {log:q} 2>&1"


rule tabulate_downstream:
    """Gather one model's downstream scores and the consistency of its answers over languages."""
    input:
        records=downstream_records_of_model,
    output:
        downstream="<results>/tables/by_model/{model}/downstream.csv",
        consistency="<results>/tables/by_model/{model}/consistency.csv",
    log:
        "<logs>/tabulate_downstream/{model}.log",
    benchmark:
        "<benchmarks>/tabulate_downstream/{model}.jsonl"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        script=script("tabulate_downstream.py"),
        results=results_folder,
        grid=DOWNSTREAM_GRID,
        code=code_digest("tabulate_downstream.py"),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--results {params.results:q} --model {wildcards.model:q} "
        "--grid {params.grid:q} --downstream {output.downstream:q} "
        "--consistency {output.consistency:q} > {log:q} 2>&1"


rule tabulate_sweep:
    """Gather the candidates of one model's methods and their distance from the best."""
    input:
        sweeps=sweeps_of_model,
    output:
        sweep="<results>/tables/by_model/{model}/sweep.csv",
    log:
        "<logs>/tabulate_sweep/{model}.log",
    benchmark:
        "<benchmarks>/tabulate_sweep/{model}.jsonl"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        script=script("tabulate_sweep.py"),
        results=results_folder,
        seed=min(config["seeds"]),
        methods=canonical(CHOOSING),
        draws=config["resampling"]["draws"],
        confidence=config["resampling"]["confidence"],
        code=code_digest("tabulate_sweep.py"),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--results {params.results:q} --model {wildcards.model:q} "
        "--seed {params.seed:q} --methods {params.methods:q} --draws {params.draws:q} "
        "--confidence {params.confidence:q} --output {output.sweep:q} > {log:q} 2>&1"


rule tabulate_scaling:
    """Gather what more calibration languages bring, for all ways of choosing them."""
    input:
        records=records_of_model,
    output:
        scaling="<results>/tables/by_model/{model}/scaling.csv",
    log:
        "<logs>/tabulate_scaling/{model}.log",
    benchmark:
        "<benchmarks>/tabulate_scaling/{model}.jsonl"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        script=script("tabulate_scaling.py"),
        results=results_folder,
        grid=TABLE_GRID,
        code=code_digest("tabulate_scaling.py"),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--results {params.results:q} --model {wildcards.model:q} "
        "--grid {params.grid:q} --output {output.scaling:q} > {log:q} 2>&1"


rule tabulate_structure:
    """Correlate the languages' activation norms at each depth of one model."""
    input:
        statistics=statistics_of_model,
    output:
        structure="<results>/tables/by_model/{model}/structure.csv",
    log:
        "<logs>/tabulate_structure/{model}.log",
    benchmark:
        "<benchmarks>/tabulate_structure/{model}.jsonl"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        script=script("tabulate_structure.py"),
        results=results_folder,
        grid=CORRELATION_GRID,
        code=code_digest("tabulate_structure.py"),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--results {params.results:q} --model {wildcards.model:q} "
        "--grid {params.grid:q} --output {output.structure:q} > {log:q} 2>&1"


rule tabulate_scaling_cost:
    """Gather what more languages cost: seconds, memory and disk of statistics and masks."""
    input:
        statistics=statistics_of_model,
        masks=masks_of_model,
    output:
        cost="<results>/tables/by_model/{model}/scaling_cost.csv",
    log:
        "<logs>/tabulate_scaling_cost/{model}.log",
    benchmark:
        "<benchmarks>/tabulate_scaling_cost/{model}.jsonl"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        script=script("tabulate_scaling_cost.py"),
        results=results_folder,
        grid=ALLOCATION_GRID,
        code=code_digest("tabulate_scaling_cost.py"),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--results {params.results:q} --model {wildcards.model:q} "
        "--grid {params.grid:q} --output {output.cost:q} > {log:q} 2>&1"


rule judge_claims:
    """Measure every claim of the papers on one model and say whether it holds."""
    input:
        claims=CLAIMS,
        perplexity=records_of_model,
        downstream=downstream_records_of_model,
        structure=structure_of,
    output:
        claims="<results>/tables/by_model/{model}/claims.csv",
    log:
        "<logs>/judge_claims/{model}.log",
    benchmark:
        "<benchmarks>/judge_claims/{model}.jsonl"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        script=script("judge_claims.py"),
        results=results_folder,
        grid=DOWNSTREAM_GRID,
        code=code_digest("judge_claims.py"),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--claims {input.claims:q} --results {params.results:q} "
        "--model {wildcards.model:q} --grid {params.grid:q} --structure {input.structure:q} "
        "--output {output.claims:q} > {log:q} 2>&1"


rule write_claims:
    """Write the verdicts as a table to read, to print, and for the front page of the report."""
    input:
        table="<results>/tables/claims.csv",
    output:
        markdown="<results>/tables/claims.md",
        latex="<results>/tables/claims.tex",
        restructured="<results>/captions/claims.rst",
    log:
        "<logs>/write_claims/claims.log",
    benchmark:
        "<benchmarks>/write_claims/claims.jsonl"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        script=script("write_claims.py"),
        code=code_digest("write_claims.py"),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--table {input.table:q} --markdown {output.markdown:q} "
        "--latex {output.latex:q} --restructured {output.restructured:q} > {log:q} 2>&1"


rule join_tables:
    """Put the models' tables below each other."""
    input:
        tables=expand("<results>/tables/by_model/{model}/{{table}}.csv", model=MODELS),
    output:
        table="<results>/tables/{table}.csv",
        page=report(
            "<results>/tables/{table}.html",
            caption="captions/table.rst",
            category="Tables",
            labels={"table": "{table}"},
        ),
    log:
        "<logs>/join_tables/{table}.log",
    benchmark:
        "<benchmarks>/join_tables/{table}.jsonl"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        script=script("join_tables.py"),
        tables=tables_folder,
        models=canonical(MODELS),
        caption=caption_of_table,
        code=code_digest("join_tables.py"),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--folder {params.tables:q}/by_model --models {params.models:q} "
        "--table {wildcards.table:q} --output {output.table:q} --page {output.page:q} "
        "> {log:q} 2>&1"


rule draw_figure:
    """Draw one figure of one model and write its caption with the numbers."""
    input:
        tables=TABLE_FILES,
    output:
        pdf="<results>/figures/{figure}-{model}.pdf",
        png=report(
            "<results>/figures/{figure}-{model}.png",
            caption="captions/figure.rst",
            category="Figures",
            subcategory="{model}",
            labels={"figure": "{figure}"},
        ),
        caption="<results>/captions/{figure}-{model}.rst",
    log:
        "<logs>/draw_figure/{figure}-{model}.log",
    benchmark:
        "<benchmarks>/draw_figure/{figure}-{model}.jsonl"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        script=script("draw_figure.py"),
        tables=tables_folder,
        grid=DOWNSTREAM_GRID,
        code=code_digest("draw_figure.py"),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--figure {wildcards.figure:q} --model {wildcards.model:q} "
        "--tables {params.tables:q} --grid {params.grid:q} --pdf {output.pdf:q} "
        "--png {output.png:q} --caption {output.caption:q} > {log:q} 2>&1"


rule tables:
    """All tables."""
    input:
        BELOW_TABLES,
        TABLE_FILES,
        TABLE_PAGES,
        CLAIM_FILES,
    localrule: True


rule figures:
    """All figures."""
    input:
        BELOW_TABLES,
        TABLE_FILES,
        FIGURE_FILES,
    localrule: True
