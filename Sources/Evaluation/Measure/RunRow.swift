import Compute
import Corpus
import GRDB
import LabCore
import LanguageModel
package import Training

/// A graph of the study is stored as it is summarised in the plan.
extension GraphSummary: FetchableRecord, PersistableRecord {
  package static let databaseTableName = "graph"
}

/// A training of the study that is complete or diverged.
package struct RunRow: Codable, Hashable, Sendable, FetchableRecord, PersistableRecord {
  package static let databaseTableName = "run"

  package var id: String
  package var graphID: String
  /// A few words for people: "100k, 20 epochs".
  package var name: String
  package var size: String
  package var parameters: Int
  package var nonEmbeddingParameters: Int
  /// How long it was to train, in the unit asked for: "20 epochs", "500 steps".
  package var horizon: String
  /// Floating-point operations it was to be trained for, where that is the unit.
  package var budgetFLOPs: Double?
  /// Passes over the triples, which need not be whole.
  package var epochs: Double
  package var fraction: Double
  package var seed: Int64
  package var learningRate: Double
  package var precision: String
  /// In what other settings it differs from runs of the study: "no qk-norm"; empty where in none.
  package var variant: String
  /// "complete" or "diverged".
  package var status: String
  /// Steps done before it diverged.
  package var divergedStep: Int?
  package var trainedTriples: Int
  package var tokensPerEpoch: Int
  /// u: unique training tokens for each non-embedding parameter.
  package var tokensPerParameter: Double
  package var steps: Int
  package var trainingFLOPs: Double
  /// Mean next-token loss in nats of the first batch, before any update.
  package var initialCrossEntropy: Double?
  /// Nil where it diverged.
  package var crossEntropy: Double?
  package var seconds: Double?
  package var tokensPerSecond: Double?
  package var peakMemoryMiB: Double?
  /// Bytes that storing its parameters takes: 4 for each where nothing was made smaller; nil in
  /// files of earlier versions.
  package var storedBytes: Int?
  /// Of what answers its text is made: "0.1 synthetic, 0.9 real"; nil where it is the graph's.
  package var textSource: String?
  /// Models between the graph's text and its own; 0 where that is the graph's, nil in files of
  /// earlier versions.
  package var generation: Int?
  /// Share of its text's lines that are wrong answers; nil where it is the graph's.
  package var wrongShare: Double?
  /// The optimiser, the parameterisation and the alignment that its learning rates assume, by their
  /// names; nil in files of earlier versions.
  package var optimizer: String?
  package var parameterization: String?
  package var alignment: String?

  enum CodingKeys: String, SnakeCaseKey {
    case id, name, size, parameters, horizon, epochs, fraction, seed, precision, variant, status,
      steps, seconds, graphID, nonEmbeddingParameters, learningRate, trainedTriples, tokensPerEpoch,
      tokensPerParameter, trainingFLOPs, divergedStep, initialCrossEntropy, crossEntropy,
      tokensPerSecond, storedBytes, textSource, generation, wrongShare, optimizer,
      parameterization, alignment
    case budgetFLOPs = "budget_flops"
    case peakMemoryMiB = "peak_memory_mib"
  }
}

extension RunRow {
  /// What a run's record says, for a study that knows it by an id and in words.
  package init(
    _ record: RunRecord, id: String, graph: String, name: String, variant: String
  ) {
    let configuration = record.configuration
    self.id = id
    graphID = graph
    self.name = name
    size = record.sizeName
    parameters = record.parameterCount
    nonEmbeddingParameters = record.nonEmbeddingParameterCount
    horizon = configuration.training.horizon.words
    if case .flops(let count) = configuration.training.horizon { budgetFLOPs = count }
    epochs = record.epochCount
    fraction = configuration.corpus.fraction
    seed = Int64(bitPattern: configuration.seed)
    learningRate = configuration.training.learningRate
    precision = configuration.training.precision.rawValue
    self.variant = variant
    status = record.status.rawValue
    divergedStep = record.divergence?.step
    trainedTriples = record.trainedTripleCount
    tokensPerEpoch = record.tokensPerEpoch
    tokensPerParameter = record.tokensPerParameter
    steps = record.stepCount
    trainingFLOPs = record.trainingFLOPs
    initialCrossEntropy = record.initialCrossEntropy
    crossEntropy = record.finalCrossEntropy
    seconds = record.secondsElapsed
    tokensPerSecond = record.tokensPerSecond
    peakMemoryMiB = record.peakMemoryMiB
    storedBytes = record.storedBytes ?? 4 * record.parameterCount
    if case .answers(let text) = configuration.corpus.source {
      textSource = text.words.isEmpty ? "answers alone" : text.words
    }
    generation = record.answers?.generation ?? 0
    wrongShare = record.answers?.wrongShare
    optimizer = configuration.training.optimizer.rawValue
    parameterization = configuration.training.parameterization.rawValue
    alignment = configuration.training.alignment.rawValue
  }
}
