"""Asked for by name only: do results stand as they were written, and which does nobody make?

reads   <results>/, <resources>/; changes nothing
"""


rule audit:
    """Compare every result with its checksum and its inputs, list what no job makes; runs anew."""
    log:
        "<logs>/audit.log",
    localrule: True
    conda:
        "../envs/audit.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        command=job("audit.py"),
        results=options.results,
        # Which files the config makes is asked of the Snakemake that runs this.
        python=sys.executable,
        snakefile=os.path.relpath(workflow.main_snakefile),
        config=CONFIG_FILE,
    shell:
        "python {params.command} "
        "--results {params.results:q} --resources resources "
        "--python {params.python:q} --snakefile {params.snakefile:q} "
        "--configfile {params.config:q} 2> {log:q}"
