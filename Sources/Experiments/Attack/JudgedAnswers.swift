import Corpus
import Detection
import Evaluation
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import Training

/// A full detector of whole answers, with answers of the model that it judges to ask it about.
struct JudgedAnswers {
  let network: FullNetwork
  /// One at temperature 1 to each seen query about a subject of a part, by default one that the
  /// detector was not trained on, in a random order.
  let answers: [JudgedAnswer]

  /// Throws `LabError` for a detector that reads no text, one of another graph or tokenizer, or
  /// where there are no such answers.
  init(
    _ folder: URL, of run: RunFolder, graph: KnowledgeGraph, part: SplitPart = .test, seed: UInt64
  ) throws {
    let place = run.url.relativePath
    let (detector, record) = try DetectorFiles.load(from: folder)
    guard let network = detector.model as? FullNetwork, detector.task == .sentence else {
      throw LabError(
        "the detector in \(folder.relativePath) does not read whole answers as texts; give one of kind full: "
          + "kglab detect train --kind full --task sentence")
    }
    let configuration = run.record.configuration
    guard record.tokenizerHash == (try run.tokenizerHash()),
      record.graphHash == configuration.graphHash
    else {
      throw LabError(
        "the detector in \(folder.relativePath) was trained with another tokenizer or graph than \(place)'s; train one "
          + "for this run")
    }
    var options = DetectionOptions()
    (options.samples, options.evidence, options.seed) = (1, 0, seed)
    let drawer = try AnswerDrawer(
      model: run.askedModel(), tokenizer: run.tokenizer, graph: graph,
      fraction: configuration.corpus.fraction, wording: configuration.corpus.wording,
      options: options, workers: 1)
    let split = try SubjectSplit(of: graph, seed: Seed(record.seed))
    var answers = try drawer.draw().judged.filter { split.part(of: $0.subject) == part }
    var stream = Seed(seed).stream("attack/examples")
    stream.shuffle(&answers)
    guard !answers.isEmpty else {
      throw LabError("\(place) has no query about subjects that the detector was not trained on")
    }
    self.network = network
    self.answers = answers
  }
}
