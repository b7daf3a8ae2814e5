"""What code a job is planned with: an edit of a script, or of what it imports, reruns its rule."""

DIGESTS_OF_RUN = Path(".snakemake/code_digests.json")
# A job on a cluster reads the workflow again, perhaps hours later, and is still the job planned.
DIGESTS = {} if workflow.is_main_process else read_json(DIGESTS_OF_RUN)
os.environ.update(MULTIPRUNE_RUN="1")  # a job of a run may not use other code; a copied command may


def digest_of(name, modules=()):
    """Digest of a script's code, and behind it the modules that count because its job names them."""
    key = " ".join([name, *modules])
    if key not in DIGESTS:
        DIGESTS[key] = " ".join([digest.code_digest(ROOT / "scripts" / name, modules), *modules])
    return DIGESTS[key]


def keep_digests():
    """Write down what code the jobs of this run were planned with; before the first of them."""
    if workflow.is_main_process:
        write_json(DIGESTS_OF_RUN, DIGESTS)


def code_of(name, modules=None):
    """Parameter function: the digest of a script; `modules(wildcards)` are those that a job names."""
    return lambda wildcards: digest_of(name, tuple(modules(wildcards)) if modules else ())


def module_of_model(wildcards):
    """The module that fetches a model of this kind."""
    return [f"fetch.models.{config['models'][wildcards.model]['kind']}"]


def module_of_corpus(wildcards):
    """The module that reads a corpus of this kind."""
    return [f"fetch.corpora.{config['corpora'][wildcards.corpus]['kind']}"]


def modules_of_method(wildcards):
    """The modules of a method's score, norm and allocation."""
    return modules_of(experiment.method_options(config, wildcards.method))


def module_of_table(wildcards):
    """The module that makes a table."""
    return [f"tables.{wildcards.table}"]


def module_of_figure(wildcards):
    """The module that draws a figure."""
    return [f"figures.{wildcards.figure}"]
