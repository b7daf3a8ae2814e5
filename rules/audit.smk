"""Asked for by name only: do the results still stand as they were written, and which does nobody make?

reads   <results>/, <resources>/; changes nothing
"""


localrules:
    audit,


rule audit:
    """Compare every result with its checksum and its inputs, list what no job makes; runs anew."""
    log:
        "<logs>/audit.log",
    benchmark:
        "<benchmarks>/audit.jsonl"
    conda:
        "../envs/audit.yaml"
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        script=script("audit_results.py"),
        results=results_folder,
        resources=RESOURCES,
        # Which files the config makes is asked of the Snakemake that runs this.
        python=sys.executable,
        snakefile=os.path.relpath(workflow.main_snakefile),
        configfiles=[os.path.relpath(path) for path in workflow.overwrite_configfiles],
    shell:
        "python {params.script:q} --results {params.results:q} --resources {params.resources:q} "
        "--python {params.python:q} --snakefile {params.snakefile:q} "
        "--configfile {params.configfiles:q} 2> {log:q}"
