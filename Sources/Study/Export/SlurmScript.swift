import LabCore

/// What of a script for Slurm its user chooses.
package struct SlurmOptions: Sendable {
  /// Options of every sbatch: "--partition=short".
  package var options: [String] = []
  /// The most array tasks at once; nil for all.
  package var atOnce: Int?
  /// Seconds before a job's end at which it is told to save.
  package var grace = 120
  /// How often a job that was stopped after saving queues again.
  package var requeues = 20
  /// The largest index of an array that Slurm takes: its MaxArraySize, 1001 unless an administrator
  /// set it, less 1.
  package var largestIndex = 1000

  package init() {}
}

extension StudyExport {
  /// A script that submits what is missing: for each stage an array of models for each kind of
  /// room, then the report.
  package func slurm(_ slurm: SlurmOptions) -> String {
    var lines = [
      "#!/bin/bash",
      "# Study '\(plan.name)', plan \(plan.id): \(count) of \(plan.tasks.count - 1) tasks to do. Written by 'kglab study export', which submits",
      "# nothing: run this where sbatch is. What is done by then is passed over. To repair, export again and run that: jobs",
      "# that were submitted before may go on beside it.",
      "# \(Self.margin)",
      "# A job that needs longer, or is preempted, saves and queues again, up to \(slurm.requeues) times.",
      "set -euo pipefail",
      "cd \(Readable.shellWord(places.working))",
      "out=\(Readable.shellWord(places.out))",
      "options=(\(slurm.options.map(Readable.shellWord).joined(separator: " ")))",
      "before=  # the jobs so far, which later stages come after",
      "",
      "# Freezes the plan and makes the graphs.",
      "\(command) --prepare",
      "mkdir -p \"$out/logs\"",
      "",
      "# The end of every job. TERM comes before its time is over, when it is requeued and when it is preempted; kglab then",
      "# saves and ends with 75. Only a job that nobody has cancelled queues itself again.",
      "read -r -d '' job <<'JOB' || true",
      "run() { exec \(command) --workers \"${SLURM_CPUS_PER_TASK:-1}\" \"$@\"; }",
      "id=$SLURM_JOB_ID",
      "[ -z \"${SLURM_ARRAY_TASK_ID:-}\" ] || id=${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID",
      "run $part & child=$!",
      "trap 'kill -TERM $child 2>/dev/null' TERM",
      "wait $child",
      "while kill -0 $child 2>/dev/null; do wait $child; done",
      "wait $child; code=$?",
      "if [ $code = 75 ] && [ \"${SLURM_RESTART_COUNT:-0}\" -lt \(slurm.requeues) ] &&",
      "  [ \"$(squeue -h -j \"$id\" -o %T)\" = RUNNING ]; then",
      "  scontrol requeue \"$id\" && sleep 60",
      "fi",
      "exit $code",
      "JOB",
      "",
      "# submit NAME PART-OF-THE-STUDY SBATCH-OPTION...: adds the new job's number to `submitted`",
      "submit() {",
      "  local name=$1 part=$2 id; shift 2",
      "  id=$(printf '#!/bin/bash\\npart=\"%s\"\\n%s\\n' \"$part\" \"$job\" | sbatch --parsable --job-name=\"$name\" \\",
      "    --nodes=1 --ntasks=1 --requeue --open-mode=append --signal=B:TERM@\(slurm.grace) --kill-on-invalid-dep=yes \\",
      "    ${before:+--dependency=afterany:$before} \"${options[@]}\" \"$@\")",
      "  id=${id%%;*}; submitted=${submitted:+$submitted:}$id",
      "  echo \"$name: job $id\"",
      "}",
    ]
    let models = modelIndices
    let groups = plan.groups(of: missing).filter { models[$0.owner] != nil }
    for (stage, groups) in Dictionary(grouping: groups, by: \.stage).sorted(by: { $0.key < $1.key })
    {
      lines += [
        "",
        stage == 0
          ? "# Each model's training and what needs no other model."
          : "# What needs \(stage == 1 ? "another model" : "\(stage) other models, one after the other") first.",
        "submitted=",
      ]
      for array in arrays(groups, models, slurm.largestIndex) {
        lines.append(
          submit(
            "\(plan.name)-\(stage)",
            "--stage \(stage) --model-index $((\(array.offset) + SLURM_ARRAY_TASK_ID))", array.room,
            [
              "--output=\"$out/logs/%x-%A_%a.txt\"",
              "--array=\(Self.ranges(array.indices))\(slurm.atOnce.map { "%\($0)" } ?? "")",
            ]))
      }
      lines.append("before=${before:+$before:}$submitted")
    }
    lines += [
      "", "# study.sqlite and the report of whatever is there then.", "submitted=",
      submit(
        "\(plan.name)-report", "--merge", room(of: plan.tasks(.report)),
        ["--output=\"$out/logs/%x-%j.txt\""]),
    ]
    return lines.map { $0 + "\n" }.joined()
  }

  private func submit(_ name: String, _ part: String, _ room: JobRoom, _ options: [String])
    -> String
  {
    ([
      "submit \(name) '\(part)' --time=\(room.minutes) --mem=\(room.memory)M --cpus-per-task=\(threads)"
    ]
      + options).joined(separator: " ")
  }

  private struct Block: Hashable {
    var room: JobRoom
    /// What is added to an index of the array to give a model's.
    var offset: Int
  }

  /// Arrays of one room each, with indices that Slurm takes.
  private func arrays(
    _ groups: [TaskGroup], _ models: [String: Int], _ largestIndex: Int
  ) -> [(room: JobRoom, offset: Int, indices: [Int])] {
    let blocks = Dictionary(
      grouping: groups.compactMap { group in
        models[group.owner].map { index in
          let offset = (index - 1) / largestIndex * largestIndex
          return (Block(room: room(of: group.tasks), offset: offset), index - offset)
        }
      }, by: { $0.0 })
    return blocks.sorted { ($0.key.offset, $0.key.room) < ($1.key.offset, $1.key.room) }
      .map { ($0.key.room, $0.key.offset, $0.value.map { $0.1 }) }
  }

  /// "1,5,7-9".
  static func ranges(_ numbers: [Int]) -> String {
    var ranges: [ClosedRange<Int>] = []
    for number in numbers.sorted() {
      if let last = ranges.last, last.upperBound + 1 == number {
        ranges[ranges.count - 1] = last.lowerBound...number
      } else {
        ranges.append(number...number)
      }
    }
    return ranges.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }
      .joined(separator: ",")
  }
}
