"""What the stages leave for each other: who asks for all tables asks for all that they come from.

Snakemake removes the outputs of a job that fails, and yet notes its options, code and inputs as if
it had made them; it makes a missing file again only where something asks for it. Were tables alone
asked for, the same command would find nothing changed, and leave tables from before the change.
"""

FETCHED = [
    *expand("<resources>/models/{model}/manifest.json", model=MODELS),
    *(
        f"<resources>/corpora/{corpus}/{language}/{split}.jsonl"
        for corpus, language in TEXTS
        for split in ("calibration", "validation", "test")
    ),
    *(f"{tasks_folder(task)}/{language}/task.json" for task, language in HUB_TASKS),
]
MEASURED = [
    f"<results>/{model}/seed{seed}/{folder}/{calibration}.safetensors"
    for folder in ("calibration", "statistics")
    for model in MODELS
    for seed in config["seeds"]
    for calibration in CALIBRATION_SETS
]
CHOSEN = [path for model in MODELS for path in (*sweeps_of(model), *orders_of(model))]
PRUNED = [path for model in MODELS for path in masks_of(model)]
EVALUATED = [
    *(path for model in MODELS for path in records_of(model)),
    *(path for task in CLOZE_TASKS for path in task_files(task)),
    *(path for model in MODELS for path in downstream_records_of(model)),
]
TABULATED = expand("<results>/tables/by_model/{model}/{table}.csv", model=MODELS, table=TABLES)
BELOW_TABLES = [*FETCHED, *MEASURED, *CHOSEN, *PRUNED, *EVALUATED, *TABULATED]
