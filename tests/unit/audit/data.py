"""A finished experiment of one model, one method and two languages, made by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from multiprune.audit.findings import audit
from multiprune.files.checksums import replacing_signed
from multiprune.files.hashes import sha256_file
from multiprune.files.json import write_json, write_json_lines
from multiprune.files.manifests import fingerprint, read_manifest, write_manifest
from multiprune.files.tables import write_table
from multiprune.files.tensors import write_tensors
from multiprune.jobs import code_digest as digest
from multiprune.jobs.provenance import as_text, origin
from multiprune.pruning.files import mask_hash
from multiprune.pruning.masks import write_mask


class Experiment:
    """Its files as attributes; `made` is what Snakemake would say of them."""

    def __init__(self, folder: Path):
        self.results, self.resources = folder / "results/x", folder / "resources"
        self.made: dict[Path, list[Path] | None] = {}
        self.run = self.results / "m/seed0"
        self.write_downloads("weights", "text")
        model, text = self.model / "manifest.json", self.text
        self.windows = self.run / "calibration/en.safetensors"
        self.statistics = self.run / "statistics/en.safetensors"
        self.mask = self.run / "masks/wanda/0.5.safetensors"
        self.record = self.run / "perplexity/wanda/0.5/en.json"
        self.task = self.results / "tasks/cloze/en/task.json"
        self.rows, self.harness = self.task.with_name("test.jsonl"), self.task.with_name("c.yaml")
        self.score = self.run / "downstream/wanda/0.5/cloze/en.json"
        self.table = self.results / "tables/perplexity.csv"
        self.page = self.table.with_suffix(".html")
        self.claims = self.results / "tables/claims.md"
        self.figure = self.results / "figures/bars-m.png"
        self.caption = self.results / "captions/bars-m.rst"
        self.times = self.results / "benchmarks/prune_model/m.jsonl"
        self.cached = self.results / f"m/cache/{'0' * 32}.json"
        self.made[model] = []
        self.write_windows(0)
        self.made[self.windows] = [model, text]
        self.write_statistics(1)
        self.made[self.statistics] = [model, self.windows]
        self.write_mask(240)
        self.made[self.mask] = [model, self.statistics]
        self.write_record(7.5)
        self.made[self.record] = [model, self.mask, text, self.other_text]
        self.write_task(1)
        self.made |= {path: [text] for path in [self.task, self.rows, self.harness]}
        made_of = {"model": self.fingerprint(), "mask": mask_hash(self.mask)}
        write_json(self.score, {"provenance": {**made_of, "task": sha256_file(self.task)}})
        self.made[self.score] = [model, self.mask, self.task]
        write_json(self.cached, {"record": 7.5})
        self.times.parent.mkdir(parents=True)
        self.times.write_text('{"s": 1}\n')
        self.write_table(7.5)
        self.made |= {path: [self.record] for path in [self.table, self.page]}
        self.write_views("views")
        self.made |= {path: [self.table] for path in [self.claims, self.figure, self.caption]}

    def write_downloads(self, weights: str, text: str) -> None:
        """A model and the texts of both languages."""
        self.model, corpora = self.resources / "models/m", self.resources / "corpora/c"
        self.text, self.other_text = corpora / "en/test.jsonl", corpora / "de/test.jsonl"
        shard = self.model / "model.safetensors"
        for path, content in ((shard, weights), (self.text, text), (self.other_text, text * 2)):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
            write_manifest(path.parent, {"kind": "local"})

    def fingerprint(self) -> str:
        """Of the model."""
        return fingerprint(read_manifest(self.model / "manifest.json"))

    def write_windows(self, token: int) -> None:
        """Calibration windows of one token."""
        made_of = {"model": self.fingerprint(), "text": sha256_file(self.text), "seed": "0"}
        write_tensors(self.windows, {"input_ids": np.full((2, 3), token, np.int32)}, made_of)

    def write_statistics(self, number: float) -> None:
        """Sums of one number."""
        made_of = {"model": self.fingerprint(), "windows": sha256_file(self.windows)}
        write_tensors(self.statistics, {"sum": np.full(4, number)}, made_of)

    def write_mask(self, byte: int, inputs: dict[str, str] | None = None) -> None:
        """A mask of eight weights."""
        inputs = inputs or {"en.safetensors": sha256_file(self.statistics)}
        inputs |= {"model": self.fingerprint()}
        packed = {"w": np.array([[byte]], dtype=np.uint8)}
        write_mask(self.mask, packed, {"shapes": {"w": [1, 8]}, "inputs": inputs})

    def write_record(self, perplexity: float) -> None:
        """A record of one number."""
        made_of = {"model": self.fingerprint(), "mask": mask_hash(self.mask)}
        made_of["text"] = sha256_file(self.text)
        write_json(self.record, {"provenance": made_of, "perplexity": perplexity})

    def write_task(self, row: int) -> None:
        """A prepared task of one row."""
        write_json_lines(self.rows, [{"id": row}])
        self.harness.write_text("task: cloze_en\n")
        described = {"file": self.rows.name, "sha256": sha256_file(self.rows)}
        described |= {"harness_file": "c.yaml", "harness_sha256": sha256_file(self.harness)}
        described |= {"task": "cloze", "language": "en", "lm_eval_task": "cloze_en", "id": ["id"]}
        described |= {"harness_folder": None, "format": "json", "dataset": {"split": "test"}}
        made_of = {"inputs": {"text": sha256_file(self.text)}}
        write_json(self.task, {**described, "provenance": made_of})

    def write_table(self, perplexity: float) -> None:
        """A table of one number and its page."""
        made_of = origin(digest.__file__, [self.record, self.times], [0])
        rows = pd.DataFrame({"language": ["en"], "perplexity": [perplexity]})
        write_table(self.table, rows, made_of)
        with replacing_signed(self.page) as temporary:
            temporary.write_text(f"<p>{perplexity}</p>")

    def write_views(self, text: str) -> None:
        """A document, a figure and its caption."""
        made_of = origin(digest.__file__, [self.table], [0])
        for path, known in ((self.claims, made_of), (self.caption, {})):
            with replacing_signed(path, known) as temporary:
                temporary.write_text(text)
        info = PngInfo()
        info.add_text("Comment", as_text(origin(digest.__file__, [self.table], [0], [])))
        with replacing_signed(self.figure) as temporary:
            Image.new("1", (1, 1)).save(temporary, format="png", pnginfo=info)

    def findings(self) -> list[tuple[Path, str]]:
        """Paths and problems."""
        found = audit(self.results, self.resources, self.made)
        return [(finding.path, finding.problem) for finding in found]

    def summary(self) -> str:
        """What `snakemake --detailed-summary` would print."""
        names = "output_file date rule log-file(s) input-file(s) shellcmd status plan"
        rows = [
            [str(path), "-", "rule", "-", noted(sources), 'a "b"', "ok", "no update"]
            for path, sources in self.made.items()
        ]
        return "\n".join("\t".join(row) for row in [names.split(), *rows]) + "\n"


def noted(sources: list[Path] | None) -> str:
    """As Snakemake lists them."""
    return "-" if sources is None else ",".join(map(str, sources))
