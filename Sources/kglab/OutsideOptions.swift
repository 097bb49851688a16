import ArgumentParser
import Compute
import Foundation
import LabCore
import Training

/// A Hugging Face model that is asked by a Python process.
struct OutsideOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The folder of a Hugging Face causal language model with its tokenizer; needs --graph and Python with PyTorch.",
      valueName: "folder"))
  var model: String?

  @Option(
    help: ArgumentHelp(
      "A text that ends an answer, \\n for a new line; may be given several times. By default those of new line, "
        + "full stop, comma and semicolon that are in no name.", valueName: "text"))
  var end: [String] = []

  @Flag(
    help:
      "The model was trained on the graph's visible triples: its queries are fvs, pvs and ivs, not of unknown visibility."
  )
  var trainedOnGraph = false

  @Option(help: "Where it is computed: cpu, cuda, cuda:1, mps; by default the first accelerator.")
  var device: String?

  @Option(help: "The Python with PyTorch and transformers; by default that of make setup-torch.")
  var python: String?

  func validate(graph: String?, checkpoint: Int?) throws {
    let others: [(String, Bool)] = [
      ("--end", !end.isEmpty), ("--trained-on-graph", trainedOnGraph), ("--device", device != nil),
      ("--python", python != nil),
    ]
    guard model != nil else {
      if let (name, _) = others.first(where: \.1) {
        throw ValidationError("\(name) is for a model of elsewhere; give its folder by --model too")
      }
      return
    }
    guard graph != nil else {
      throw ValidationError("--model needs the graph to ask about; give it by --graph")
    }
    guard checkpoint == nil else {
      throw ValidationError("a model of elsewhere has no checkpoints; leave out --checkpoint")
    }
  }

  /// What is asked for; nil for a run of kglab's own.
  func request(precision: Precision) -> OutsideRequest? {
    model.map { model in
      var request = OutsideRequest(model: URL(fileURLWithPath: model, isDirectory: true))
      request.ends = end.map { $0.replacingOccurrences(of: "\\n", with: "\n") }
      request.isTrainedOnGraph = trainedOnGraph
      request.precision = precision
      request.device = device
      request.python = python
      return request
    }
  }
}
