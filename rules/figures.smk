"""Stage 6, figures: records -> tidy tables, intervals, verdicts on claims, figures, captions.

reads   <results>/{model}/seed{seed}/perplexity/, downstream/, sweep/, masks/, weights/ (metadata),
        <results>/{model}/seed{seed}/statistics/,
        config/claims.yaml, <benchmarks>/ (cost of the methods), <results>/grid.json (what was
        measured; written when a run starts)
writes  <results>/tables/by_model/{model}/{table}.csv, joined in <results>/tables/{table}.csv and
        .html, <results>/tables/claims.md and .tex,
        <results>/figures/{figure}-{model}.pdf and .png,
        <results>/captions/{figure}-{model}.rst, claims.rst and findings.rst

`plan` (paths), `options` and `job` (commands) come from common.smk.
"""


rule tabulate_results:
    """Make one table of one model."""
    input:
        results=plan.results_of_table,
        claims=plan.claims_of_table,
        tables=plan.tables_of_table,
    output:
        table="<results>/tables/by_model/{model}/{table}.csv",
    log:
        "<logs>/tabulate_results/{model}/{table}.log",
    benchmark:
        "<benchmarks>/tabulate_results/{model}/{table}.jsonl"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        command=job("tabulate_results.py", modules.of_table),
        results=options.results,
        part_of_grid=options.grid_of_table,
        content=options.content_of_claims,
    shell:
        "python {params.command} "
        "--table {wildcards.table:q} --results {params.results:q} --model {wildcards.model:q} "
        "--grid {params.results:q}/grid.json --claims {input.claims:q} --tables {input.tables:q} "
        "--output {output.table:q} > {log:q} 2>&1"


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
    localrule: True
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        command=job("write_claims.py"),
    shell:
        "python {params.command} "
        "--table {input.table:q} --markdown {output.markdown:q} "
        "--latex {output.latex:q} --restructured {output.restructured:q} > {log:q} 2>&1"


rule write_findings:
    """Write the results in words, for the front page of the report."""
    input:
        table="<results>/tables/summary.csv",
    output:
        restructured="<results>/captions/findings.rst",
    log:
        "<logs>/write_findings/findings.log",
    benchmark:
        "<benchmarks>/write_findings/findings.jsonl"
    localrule: True
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        command=job("write_findings.py"),
        results=options.results,
        content_of_grid=options.grid_of_findings,
    shell:
        "python {params.command} "
        "--table {input.table:q} --grid {params.results:q}/grid.json "
        "--output {output.restructured:q} > {log:q} 2>&1"


rule join_tables:
    """Put the models' tables below each other."""
    input:
        tables=expand("<results>/tables/by_model/{model}/{{table}}.csv", model=plan.models),
    output:
        table="<results>/tables/{table}.csv",
        page=report(
            "<results>/tables/{table}.html",
            caption="captions/table.rst",
            category="Tables",
            labels=options.menu_of_table,
        ),
    log:
        "<logs>/join_tables/{table}.log",
    benchmark:
        "<benchmarks>/join_tables/{table}.jsonl"
    localrule: True
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        command=job("join_tables.py"),
        results=options.results,
        models=canonical(plan.models),
        caption=options.caption_of_table,
        title=options.title_of_table,
        columns=options.columns_on_page,
        labels=options.method_labels,
    shell:
        "python {params.command} "
        "--folder {params.results:q}/tables/by_model --models {params.models:q} "
        "--table {wildcards.table:q} --title {params.title:q} --columns {params.columns:q} "
        "--labels {params.labels:q} --output {output.table:q} --page {output.page:q} "
        "> {log:q} 2>&1"


rule draw_figure:
    """Draw one figure of one model and write its caption with the numbers."""
    input:
        tables=plan.tables_of_figure,
    output:
        pdf="<results>/figures/{figure}-{model}.pdf",
        png=report(
            "<results>/figures/{figure}-{model}.png",
            caption="captions/figure.rst",
            category="Figures",
            subcategory="{model}",
            labels=options.menu_of_figure,
        ),
        caption="<results>/captions/{figure}-{model}.rst",
    log:
        "<logs>/draw_figure/{figure}-{model}.log",
    benchmark:
        "<benchmarks>/draw_figure/{figure}-{model}.jsonl"
    localrule: True
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        command=job("draw_figure.py", modules.of_figure),
        results=options.results,
        content_of_grid=options.grid_of_figures,
    shell:
        "python {params.command} "
        "--figure {wildcards.figure:q} --model {wildcards.model:q} "
        '--tables "$(dirname {input.tables[0]:q})" --grid {params.results:q}/grid.json '
        "--pdf {output.pdf:q} "
        "--png {output.png:q} --caption {output.caption:q} > {log:q} 2>&1"


rule tables:
    """All tables."""
    input:
        when_asked(plan.below_tables),
        when_asked(plan.all_tables),
        when_asked(plan.all_verdicts),
    localrule: True


rule figures:
    """All figures."""
    input:
        when_asked(plan.below_tables),
        when_asked(plan.all_figures),
    localrule: True
