"""Parameter and resource functions: what a job is told beside its files, and what it asks for."""


def model_definition(wildcards):
    """What the model is, as JSON."""
    return canonical(definitions.model_definition(config, wildcards.model))


def corpus_definition(wildcards):
    """What a language's text is, as JSON."""
    return canonical(definitions.corpus_definition(config, wildcards.corpus, wildcards.language))


def model_folder(wildcards):
    """Folder of a model in Hugging Face layout."""
    return f"{RESOURCES}/models/{wildcards.model}"


def corpus_folder(wildcards):
    """Folder of one language of a corpus."""
    return f"{RESOURCES}/corpora/{wildcards.corpus}/{wildcards.language}"


def task_definition(wildcards):
    """Which task in which language, as JSON."""
    return canonical({"task": wildcards.task, "language": wildcards.language})


def model_definitions(wildcards):
    """What every model is, as JSON."""
    return canonical({model: definitions.model_definition(config, model) for model in MODELS})


def asked_of_model(wildcards):
    """What the experiment asks of a model, as JSON."""
    return canonical(model_fit.demands(config, wildcards.model, CALIBRATION_SETS))


def asked_of_models(wildcards):
    """What the experiment asks of every model, as JSON."""
    return canonical({m: model_fit.demands(config, m, CALIBRATION_SETS) for m in MODELS})


def text_definitions(wildcards):
    """What every text is, as JSON."""
    return canonical(definitions.text_definitions(config))


def preflight_table(wildcards):
    """Where preflight writes what it found."""
    return f"{RESULTS}/preflight.csv"


def bytes_per_weight(wildcards):
    """Bytes that a weight or an activation of a loaded model takes."""
    model = config["models"][wildcards.model]
    return 4 if model["dtype"] == "float32" or model["kind"] == "package_gguf" else 2


def model_memory(wildcards, attempt):
    """Memory in MB of a job that holds a whole model, more at each attempt."""
    weights = bytes_per_weight(wildcards) * config["models"][wildcards.model]["parameters"]
    # A quarter to spare, and 2.5 GB for Python, torch and one batch.
    return int(attempt * (2500 + 1250 * weights))


def sequential_memory(wildcards, attempt):
    """Memory in MB of a job that holds a model and the hidden states of all its windows."""
    sets = (experiment.calibration_sets, experiment.contrast_sets)
    tokens = sum(
        window_tokens(config, name) for of in sets for name in of(config, wildcards.method)
    )
    # 1B parameters: 2,048 channels; 8B: 4,096. Without a GPU all of them stay in host memory.
    channels = 2048 * config["models"][wildcards.model]["parameters"] ** (1 / 3)
    states = tokens * channels * bytes_per_weight(wildcards) / 1e6
    return model_memory(wildcards, attempt) + int(attempt * 1.25 * states)


def update_memory(wildcards, attempt):
    """Memory in MB of a sequential job that factors the Hessians of one block's inputs as well."""
    # Llama 3 8B: 14,336^2 float64 are 1.6 GB, six times while the widest input's is factored.
    more = 1500 * config["models"][wildcards.model]["parameters"]
    return sequential_memory(wildcards, attempt) + int(attempt * more)


def model_minutes(wildcards, attempt):
    """Time limit in minutes of a job that passes text through a model, more at each attempt."""
    return int(attempt * (30 + 30 * config["models"][wildcards.model]["parameters"]))


def growing(amount):
    """Resource function: an amount that grows with each attempt."""
    return lambda wildcards, attempt: attempt * amount


def dtype(wildcards):
    """Precision that a model is loaded in."""
    return config["models"][wildcards.model]["dtype"]


def language_name(side):
    """Parameter function: the name of the language on one side of a pair."""
    return lambda wildcards: config["languages"][wildcards[side]]["name"]


def folder_of_task(task):
    """Parameter function: folder of a downstream task, with a folder for each language."""
    folder = f"{RESULTS if task in CLOZE_TASKS else RESOURCES}/tasks/{task}"
    return lambda wildcards: folder


def cloze_option(name):
    """Parameter function: an option of a cloze task."""
    return lambda wildcards: CLOZE_TASKS[wildcards.task][name]


def method_options(wildcards):
    """The options of a method, defaults filled in, as JSON."""
    return canonical(experiment.method_options(config, wildcards.method))


def languages_to_take(wildcards):
    """How many languages a method takes of an order; empty for other methods."""
    size = experiment.chosen_size(config, wildcards.method)
    return "" if size is None else size


def progress_folder(wildcards, output):
    """Folder for the finished blocks of a sequential job; not an output, or it would be removed."""
    return f"{output.pruned}.progress"  # beside it, so that no folder is left when it goes


def candidates_of(wildcards):
    """The candidates of a method, the simplest first, as JSON."""
    return canonical(
        [
            {"name": one.name, "constants": one.constants}
            for one in experiment.candidates(config, wildcards.method)
        ]
    )


def constants_of(wildcards):
    """The constants of a candidate, as JSON."""
    return next(
        canonical(one.constants)
        for one in experiment.candidates(config, wildcards.method)
        if one.name == wildcards.candidate
    )


def candidate_options(wildcards):
    """The options of a method with the constants of a candidate set, as JSON."""
    options = experiment.method_options(config, wildcards.method)
    return canonical(sweep.with_constants(options, json.loads(constants_of(wildcards))))


def sweep_sparsity(wildcards):
    """The sparsity that a method's constants are chosen at."""
    return experiment.sparsity_text(config["methods"][wildcards.method]["choose_at"])


def cache_folder(wildcards):
    """Folder of a model's evaluation cache, shared by its pruned versions."""
    return f"{RESULTS}/{wildcards.model}/cache"


def corpora_folder(wildcards):
    """Folder of all corpora."""
    return f"{RESOURCES}/corpora"


def folder_of_input(name):
    """Parameter function: folder of the first file of an input."""
    return lambda wildcards, input: os.path.dirname(input[name][0])


def folder_of_manifest(wildcards, output):
    """Folder that a manifest describes."""
    return os.path.dirname(output.manifest)


def folder_of_choice(wildcards, output):
    """Folder of a method's sweep."""
    return os.path.dirname(output.chosen)


def folder_of_records(wildcards, output):
    """Folder that holds one record per language."""
    return os.path.dirname(output.records[0])


def results_folder(wildcards):
    """Folder of the experiment's results."""
    return RESULTS


def tables_folder(wildcards):
    """Folder of the experiment's tables."""
    return f"{RESULTS}/tables"


def grid_of_table(wildcards):
    """Digest of the part of the grid that a table depends on."""
    return sha256_json(table_grids.grid_of_table(config, wildcards.table))


def caption_of_table(wildcards):
    """What explains a table's columns in the report."""
    return constants("tables", wildcards.table)["CAPTION"]
