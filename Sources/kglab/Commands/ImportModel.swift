import ArgumentParser
import Console
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import Training

struct ImportModel: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Read a Hugging Face folder into a run.",
    discussion: """
      Takes what export-model writes, also after changes in Python: config.json of Qwen3 or Llama without \
      grouped heads, biases or rotary scaling, model.safetensors in single or half precision, and \
      kglab's tokenizer.json. Anything else is refused by field. The run can be asked and evaluated; its \
      run.json says where it comes from. Only an unaltered export knows its graph and its training; for any \
      other folder --graph gives the graph, and visibilities are that graph's.

      EXAMPLES:
        kglab import-model exports/a --out runs/b --graph graph.sqlite
        kglab import-model finetuned --out runs/c --graph graph.sqlite --json
      """)

  @Argument(help: "The model folder.")
  var folder: String

  @Option(help: "The folder of the run to write.")
  var out: String

  @Option(help: "The graph to ask the model about.")
  var graph: String?

  @OptionGroup var result: ResultOptions

  func run() throws {
    let model = try ModelImport(URL(fileURLWithPath: folder, isDirectory: true))
    let file = graph.map { URL(fileURLWithPath: $0) }
    let record = try model.write(
      to: URL(fileURLWithPath: out, isDirectory: true),
      graph: file.map { (content: try KnowledgeGraph.open($0), file: $0) })
    if result.json { return try Output.json(record) }
    let shape = record.configuration.model
    Output.line(
      "model          \(record.sizeName): \(shape.layerCount) layers x \(shape.modelDimension), "
        + "\(shape.headCount) heads, \(record.nonEmbeddingParameterCount.grouped) "
        + "non-embedding parameters, \(record.parameterCount.grouped) in all")
    Output.line(
      "training       "
        + (record.imported?.step.map { "step \($0) of a run of kglab" } ?? "not by kglab"))
    Output.line("wrote \(out) (weights \((record.weightsHash ?? "").prefix(12)))")
    Output.next(["kglab", "evaluate", out] + (graph == nil ? ["--graph", "GRAPH"] : []))
  }
}
