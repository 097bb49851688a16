import Foundation
import LabCore

extension StudyExport {
  /// A Snakefile with a rule for each kind of task that is missing; the outputs of rules are the
  /// records of tasks alone.
  package func snakefile() throws -> String {
    let needed = Set(missing.map(\.id))
    var lines = [
      "# Study '\(plan.name)', plan \(plan.id): \(count) of \(plan.tasks.count - 1) tasks to do. Written by 'kglab study export'; run:",
      "#   snakemake --snakefile THIS-FILE --cores N --keep-going",
      "# \(Self.margin)",
      "import json, pathlib", "",
      "OUT = \(try Self.literal(places.out))",
      // Braces are Snakemake's in a shell command.
      "RUN = \(try Self.literal(command.replacing("{", with: "{{").replacing("}", with: "}}")))",
      "# id: number in the plan, what it needs first, MiB, minutes", "TASKS = {",
    ]
    for task in missing {
      let needs = task.needs + task.follows.filter { !task.needs.contains($0) }
      let room = room(of: [task])
      let names = try needs.filter(needed.contains).map(Self.literal).joined(separator: ", ")
      lines.append(
        "    \(try Self.literal(task.id)): (\(task.number), [\(names)], \(room.memory), \(room.minutes)),"
      )
    }
    lines += [
      "}", "", "def record(task):", "    return f\"{OUT}/tasks/{task}.json\"", "",
      "def needs(wildcards):", "    return [record(task) for task in TASKS[wildcards.task][1]]", "",
      "def value(place):", "    return lambda wildcards: TASKS[wildcards.task][place]", "",
      "# The record of a task that failed, or whose process was killed, is no result.",
      "if workflow.is_main_process:", "    for path in map(pathlib.Path, map(record, TASKS)):",
      "        if path.exists() and json.loads(path.read_text())[\"status\"] not in (\"done\", \"diverged\"):",
      "            path.unlink()", "",
      "# Freezes the plan and makes the graphs.", "onstart:", "    shell(RUN + \" --prepare\")", "",
      "rule all:",
      "    input: [record(task) for task in TASKS]",
    ]
    var kinds: [TaskKind] = []
    for task in missing where !kinds.contains(task.kind) { kinds.append(task.kind) }
    for kind in kinds {
      let ids = missing.filter { $0.kind == kind }.map(\.id)
      let pattern = try Self.literal(
        ids.map(NSRegularExpression.escapedPattern).joined(separator: "|"))
      lines += [
        "", "rule \(kind.rawValue):", "    input: needs",
        "    output: OUT + \"/tasks/{task}.json\"",
        "    wildcard_constraints: task=\(pattern)", "    params: number=value(0)",
        "    threads: \(kind == .report || kind == .generate ? 1 : threads)",
        "    resources: mem_mb=value(2), runtime=value(3)", "    retries: 2",
        "    shell: RUN + \" "
          + (kind == .report ? "--merge" : "--task-index {params.number} --workers {threads}")
          + "\"",
      ]
    }
    return lines.map { $0 + "\n" }.joined()
  }

  /// A text as Python and JSON write it.
  private static func literal(_ text: String) throws -> String {
    String(decoding: try CanonicalJSON.compact(text), as: UTF8.self)
  }
}
