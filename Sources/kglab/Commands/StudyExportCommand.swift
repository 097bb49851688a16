import ArgumentParser
import Console
import Foundation
import LabCore
import Study

/// `kglab study export`.
struct StudyExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract: "Print what is missing of a study as jobs for Slurm, Snakemake or anything else.",
    discussion: """
      Prints and submits nothing. What is done is left out, so that to export again is to repair. slurm is \
      a script of sbatch: arrays of models by what memory and time they need, a second one for what reads \
      other models, then the report. snakemake is a Snakefile with a rule for each kind of task. tsv is a \
      table of tasks, with what they need and take, for parallel and scripts. docs/scale.md has examples.

      EXAMPLES:
        kglab study export my-study.yaml --as slurm --partition short > submit.sh
        kglab study export my-study.yaml --as slurm --sbatch=--qos=long --max-minutes 240 > submit.sh
        kglab study export my-study.yaml --as snakemake > Snakefile
        kglab study export my-study.yaml --as tsv
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable { case slurm, snakemake, tsv }

  @OptionGroup var location: StudyLocation

  @Option(name: .customLong("as"), help: "For whom; tsv and --json are the same table.")
  var format = Format.tsv

  @Option(help: "Threads of one task; by default as when the whole study is run.")
  var threads: Int?

  @Option(help: "The longest time that a job asks for; one that needs more saves and queues again.")
  var maxMinutes: Int?

  @Option(help: "Slurm: the partition.")
  var partition: String?

  @Option(help: "Slurm: the account.")
  var account: String?

  @Option(help: "Slurm: any other option of sbatch, such as --sbatch=--qos=long; may be repeated.")
  var sbatch: [String] = []

  @Option(help: "Slurm: the most tasks of an array at once.")
  var atOnce: Int?

  @Option(help: "Slurm: seconds before its end at which a job is told to save.")
  var grace = 120

  @Option(help: "Slurm: how often a job that was stopped after saving queues again.")
  var requeues = 20

  @Option(help: "Slurm: the largest index of an array, which is its MaxArraySize less 1.")
  var maxIndex = 1000

  @Flag(help: "Print the table of tasks as JSON.")
  var json = false

  func validate() throws {
    try OptionRange.require(maxIndex, 1...4_000_000, "--max-index")
    try OptionRange.require(threads, 1...256, "--threads")
    try OptionRange.require(maxMinutes, 1...1_000_000, "--max-minutes")
    try OptionRange.require(atOnce, 1...1_000_000, "--at-once")
    try OptionRange.require(grace, 1...65_535, "--grace")
    try OptionRange.require(requeues, 0...1_000_000, "--requeues")
    for option in sbatch where !option.hasPrefix("-") {
      throw ValidationError(
        "--sbatch '\(option)' is no option of sbatch; write --sbatch=--qos=long")
    }
    guard format == .tsv || !json else { throw ValidationError("--json is a form of --as tsv") }
    let own = partition != nil || account != nil || !sbatch.isEmpty || atOnce != nil
    guard format == .slurm || !own else {
      throw ValidationError("--partition, --account, --sbatch and --at-once are for --as slurm")
    }
  }

  func run() throws {
    let file = try location.file()
    let folder = location.folder(of: file)
    let runner = try StudyRunner(file: file, folder: folder)
    let export = StudyExport(
      runner,
      places: StudyExport.Places(
        program: Bundle.main.executableURL?.path ?? "kglab",
        study: URL(fileURLWithPath: location.study).standardizedFileURL.path,
        out: folder.standardizedFileURL.path,
        working: FileManager.default.currentDirectoryPath), threads: threads,
      mostMinutes: maxMinutes)
    if json { return try Output.json(export.rows) }
    let text: String
    switch format {
    case .slurm:
      var slurm = SlurmOptions()
      slurm.options =
        [partition.map { "--partition=\($0)" }, account.map { "--account=\($0)" }]
        .compactMap(\.self) + sbatch
      slurm.atOnce = atOnce
      slurm.grace = grace
      slurm.requeues = requeues
      slurm.largestIndex = maxIndex
      text = export.slurm(slurm)
    case .snakemake: text = try export.snakefile()
    case .tsv: text = export.table
    }
    Output.text(text)
  }
}
