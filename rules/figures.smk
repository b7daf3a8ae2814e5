"""Stage 6, figures: records -> tidy tables, intervals, verdicts on claims, figures, captions.

reads   <results>/{model}/seed{seed}/perplexity/, downstream/, sweep/, masks/, weights/ (metadata),
        <results>/{model}/seed{seed}/statistics/,
        config/claims.yaml, <benchmarks>/ (cost of the methods), <results>/grid.json (what was
        measured; written when a run starts)
writes  <results>/tables/by_model/{model}/{table}.csv, joined in <results>/tables/{table}.csv and
        .html, <results>/tables/claims.md and .tex,
        <results>/figures/{figure}-{model}.pdf and .png,
        <results>/captions/{figure}-{model}.rst and claims.rst
"""


localrules:
    write_claims,
    join_tables,
    draw_figure,


rule tabulate:
    """Make one table of one model."""
    input:
        results=results_of_table,
        claims=claims_of_table,
        tables=tables_of_table,
    output:
        table="<results>/tables/by_model/{model}/{table}.csv",
    log:
        "<logs>/tabulate/{model}/{table}.log",
    benchmark:
        "<benchmarks>/tabulate/{model}/{table}.jsonl"
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        script=script("tabulate_results.py"),
        results=results_folder,
        grid=GRID_FILE,
        part_of_grid=grid_of_table,
        code=code_of("tabulate_results.py", module_of_table),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--table {wildcards.table:q} --results {params.results:q} --model {wildcards.model:q} "
        "--grid {params.grid:q} --claims {input.claims:q} --tables {input.tables:q} "
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
    conda:
        "../envs/figures.yaml"
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        script=script("write_claims.py"),
        code=code_of("write_claims.py"),
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
        code=code_of("join_tables.py"),
    shell:
        "python {params.script:q} --code {params.code:q} "
        "--folder {params.tables:q}/by_model --models {params.models:q} "
        "--table {wildcards.table:q} --output {output.table:q} --page {output.page:q} "
        "> {log:q} 2>&1"


rule draw_figure:
    """Draw one figure of one model and write its caption with the numbers."""
    input:
        tables=tables_of_figure,
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
        tables=folder_of_input("tables"),
        grid=GRID_FILE,
        content_of_grid=sha256_json(GRID),
        code=code_of("draw_figure.py", module_of_figure),
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
        FIGURE_FILES,
    localrule: True
