"""A study done by Snakemake from its exported Snakefile, beside the same study done by kglab alone."""
import pathlib, sqlite3, subprocess, sys, tempfile, unittest

from lab import ROOT, kglab, kglab_json

STUDY = """
name: snakes
graph: {schema: tiny.yaml, seed: 1}
training: {tokens_per_step: 128, lanes: 2}
models: {sizes: [3k, 6k], epochs: [2]}
evaluation: {samples: 4, resamples: 100}
detection: {sizes: [3k], tasks: [sentence], kinds: [full], full: [6k-pretrained], full_epochs: 1, samples: 4, resamples: 100}
"""


def results(folder):
    """The bytes of study.sqlite without what was timed and weighed, which no two runs have alike."""
    file = folder / "study.sqlite"
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("UPDATE run SET seconds = NULL, tokens_per_second = NULL, peak_memory_mib = NULL")
    database.execute("VACUUM")
    database.close()
    return file.read_bytes()


class SnakemakeTest(unittest.TestCase):
    def setUp(self):
        self.temporary = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temporary.name)
        self.addCleanup(self.temporary.cleanup)
        (self.folder / "tiny.yaml").write_bytes((ROOT / "kg-schemas/tiny.yaml").read_bytes())
        self.study = self.folder / "study.yaml"
        self.study.write_text(STUDY)

    def snakemake(self):
        """Exports what is missing and runs it; the process as it ended."""
        (self.folder / "Snakefile").write_text(kglab("study", "export", self.study, "--out", self.folder / "out", "--as", "snakemake"))
        command = [sys.executable, "-m", "snakemake", "--cores", "2", "--keep-going", "--directory", self.folder,
                   "--snakefile", self.folder / "Snakefile"]
        return subprocess.run(list(map(str, command)), capture_output=True, text=True)

    def statuses(self):
        return {task["name"]: task["status"] for task in kglab_json("study", "status", self.folder / "out")["tasks"]}

    def test_the_whole_study(self):
        done = self.snakemake()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(set(self.statuses().values()), {"done"})
        kglab("study", "run", self.study, "--out", self.folder / "local")
        self.assertEqual(results(self.folder / "out"), results(self.folder / "local"))

    def test_a_failure_is_repaired_by_exporting_again(self):
        table = kglab("study", "export", self.study, "--out", self.folder / "out", "--as", "tsv")
        rows = [line.split("\t") for line in table.splitlines()[1:]]
        training = next(row[3] for row in rows if row[1] == "2" and row[4] == "train")
        stranger = self.folder / "out/models" / training / "notes.txt"
        stranger.parent.mkdir(parents=True)
        stranger.write_text("mine")
        self.assertNotEqual(self.snakemake().returncode, 0)
        statuses = self.statuses()
        self.assertEqual(statuses["evaluate 3k, 2 epochs"], "done")
        self.assertNotEqual(statuses["train 6k, 2 epochs"], "done")
        stranger.unlink()
        done = self.snakemake()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(set(self.statuses().values()), {"done"})


if __name__ == "__main__":
    unittest.main()
