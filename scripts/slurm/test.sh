#!/usr/bin/env bash
# A study as arrays of a real Slurm, which cluster.sh runs on this machine as two nodes, beside the same study done by one
# process: dependency, time limit, requeue, a failed task, daemons killed. One line a check; exit code 0 if all hold.
# 69: its daemons cannot be started. KGLAB names the program. SLURM_KEEP=1 leaves the cluster and the results.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd); root=$(cd "$here/../.." && pwd)
kglab=${KGLAB:-$root/.build/release/kglab}
export SLURM_LOCAL_DIR=${SLURM_LOCAL_DIR:-/tmp/kglab-slurm} SLURM_LOCAL_NODES=2 SLURM_LOCAL_CPUS=1
cluster() { "$here/cluster.sh" "$@"; }
long=${LONG_EPOCHS:-20000}  # of 10k: about a minute of one processor with the release build; more than 35 s of a job, less than 20 times that
work=$(mktemp -d "${TMPDIR:-/tmp}/kglab-slurm-test.XXXX"); bad=0
finish() {
  [ -n "${SLURM_KEEP:-}" ] && { echo "left: $work, $SLURM_LOCAL_DIR"; return; }
  cluster stop >/dev/null 2>&1; rm -rf "$work"
}
trap finish EXIT
check() { if [ "$2" = "$3" ]; then echo "ok    $1: $2"; else echo "WRONG $1: is '$2', expected '$3'"; bad=1; fi; }
atleast() { if [ "${2:-0}" -ge "$3" ]; then echo "ok    $1: $2"; else echo "WRONG $1: is '$2', expected $3 or more"; bad=1; fi; }
await() { local n=$1; shift; for _ in $(seq $((n * 4))); do "$@" >/dev/null 2>&1 && return 0; sleep 0.25; done; echo "WRONG waited $n s for: $*"; bad=1; return 1; }
state() { scontrol show job "$1" 2>/dev/null | grep -oP '(JobState|ExitCode)=\K\S+' | paste -sd' '; }
restarts() { scontrol show job "$1" 2>/dev/null | grep -oP 'Restarts=\K\d+' | sort -n | tail -1; }
job() { awk -F': job ' -v n="$1" '$1 == n {print $2}' submitted; }
over() { [ -z "$(squeue -h)" ]; }
tasks() { "$kglab" study status out --json | python3 -c 'import json, sys; print(sum(t["status"] == sys.argv[1] and sys.argv[2] in t["name"] for t in json.load(sys.stdin)["tasks"]))' "$@"; }
is() { [ "$(tasks "$1" "$2")" = "$3" ]; }
submit() { "$kglab" study export study.yaml --out out --as slurm --partition local --max-minutes 2 --grace 85 >submit.sh && bash submit.sh >submitted || { cat submitted; bad=1; }; }

cd "$work"
cluster install || { echo "skipped: no Slurm here, and no packages of it to be had"; exit 0; }
cluster start >/dev/null || { echo "the daemons of Slurm do not run here"; exit 69; }
eval "$(cluster env)"
echo "# $(scontrol --version), $(nproc) CPUs, $(date +%T)"

# Models 1 to 3 take a moment; 4 and 5 longer than a job that is told to save 5 to 35 s after its start. What detects the
# hallucinations of 1 to 3 learns from the weights of model 3.
cp "$root/kg-schemas/tiny.yaml" .
cat >study.yaml <<X
name: cluster
graph: {schema: tiny.yaml, seed: 1}
training: {tokens_per_step: 128, lanes: 2}
models:
  - {sizes: [3k, 6k, 10k], epochs: [20]}
  - {sizes: [10k], epochs: [$long], seeds: [1, 2]}
evaluation: {samples: 4, resamples: 100}
detection: {epochs: [20], tasks: [sentence], kinds: [head, full], heads: [linear], full: [10k-pretrained], full_epochs: 1, samples: 4, resamples: 100}
workers: 2
X

# A file of somebody else's where the second model is to go: its training fails.
"$kglab" study run study.yaml --out out --prepare >/dev/null
second=$("$kglab" study export study.yaml --out out --as tsv | awk -F'\t' '$2 == 2 && $5 == "train" {print $4}')
mkdir -p "out/models/$second"; touch "out/models/$second/notes.txt"
submit; first=$(job cluster-0); later=$(job cluster-1); report=$(job cluster-report)
waits() { squeue -h -r -j "$later" -o '%T %r' | grep -q Dependency; }; await 20 waits
check "arrays: no array comes before what it needs" "$(squeue -h -r -j "$later" -o '%T %r' | sort -u)" "PENDING Dependency"
check "an index that the array does not have" "$(sbatch --array=5000 -o /dev/null --wrap true 2>&1 | grep -o 'Invalid job array specification')" "Invalid job array specification"

await 60 is running "$long epochs" 2 && {
  check "status, from files alone: both long trainings run" "$(tasks running "$long epochs")" 2
  check "  on two nodes" "$(squeue -h -r -t running -o %N | sort -u | paste -sd' ')" "node1 node2"
}
check "a failed task" "$(state "${first}_2")" "FAILED 1:0"
check "  one that ended well" "$(state "${first}_1")" "COMPLETED 0:0"
check "another process on the same model ends with 75" "$("$kglab" study run study.yaml --out out --model-index 4 >/dev/null 2>&1; echo $?)" 75
check "what needs what failed ends with 66" "$("$kglab" study run study.yaml --out out --model-index 2 --stage 1 >/dev/null 2>&1; echo $?)" 66

# The fourth model by hand, the fifth by its time.
scontrol requeue "${first}_4"
requeued() { [ "$(restarts "${first}_4")" -ge 1 ]; }; await 120 requeued
limited() { [ "$(restarts "${first}_5")" -ge 1 ]; }
await 120 limited
atleast "scontrol requeue: restarts" "$(restarts "${first}_4")" 1
atleast "time limit: restarts by the script" "$(restarts "${first}_5")" 1
await 60 is running "$long epochs" 2
cluster kill; sleep 1; cluster start >/dev/null
echo "# killed and started slurmctld and slurmd, $(date +%T)"
await 400 over
check "the long trainings" "$(state "${first}_4"), $(state "${first}_5")" "COMPLETED 0:0, COMPLETED 0:0"
check "detection of the first model" "$(state "${later}_1")" "COMPLETED 0:0"
check "detection of the failed one has nothing to read" "$(state "${later}_2")" "FAILED 66:0"
check "the report is made, and says by its code that tasks lack" "$(state "$report") $(test -e out/report.html && echo report)" "FAILED 1:0 report"

# Repair: mended, exported and submitted again.
rm "out/models/$second/notes.txt"
submit; repaired=$(job cluster-0)
check "repair has what is missing alone" "$(grep -o 'array=[0-9,-]*' submit.sh | paste -sd' ')" "array=2 array=2"
await 90 over
check "  its end" "$(state "${repaired}_2") $(state "$(job cluster-report)")" "COMPLETED 0:0 COMPLETED 0:0"
check "all tasks" "$(tasks done '')" 15

# A cancelled job does not queue itself again.
sed 's/seeds: \[1, 2\]/seeds: [3]/; s/name: cluster/name: cancelled/' study.yaml >cancelled.yaml
"$kglab" study export cancelled.yaml --out cancelled --as slurm >submit.sh && bash submit.sh >submitted
victim=$(job cancelled-0)_4
trains() { [ "$(squeue -h -j "$victim" -o %T)" = RUNNING ] && ls cancelled/models/*-e"$long"-*/run.json; }
await 60 trains; scancel "$victim"; gone() { ! squeue -h -j "$victim" -o %T | grep -q .; }; await 20 gone
sleep 2; check "scancel of a job that saves" "$(state "$victim")" "CANCELLED 75:0"
squeue -h -r -o %i | xargs -r scancel; await 60 over

# The same study by one process.
"$kglab" study run study.yaml --out local >/dev/null 2>&1; check "one process" $? 0
cat >same.py <<'X'
import sqlite3, sys
def results(folder):
    """The bytes of study.sqlite without what was timed and weighed."""
    file = folder + "/study.sqlite"
    database = sqlite3.connect(file, isolation_level=None)
    database.execute("UPDATE run SET seconds = NULL, tokens_per_second = NULL, peak_memory_mib = NULL")
    database.execute("VACUUM")
    database.close()
    return open(file, "rb").read()
print("equal" if results(sys.argv[1]) == results(sys.argv[2]) else "different")
X
check "study.sqlite, byte for byte but for times and memory" "$(python3 same.py local out)" equal
echo "# $(date +%T)"
exit $bad
