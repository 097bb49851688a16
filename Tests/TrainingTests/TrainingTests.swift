import Compute
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import Synchronization
import TestSupport
import Testing
import Training

struct TrainingTests {
  @Test func workersDoNotChangeTheWeights() throws {
    let folders = try (TemporaryFolder(), TemporaryFolder())
    let one = try trainTiny(into: folders.0.url)
    let two = try trainTiny(into: folders.1.url) { $1.workers = 2 }
    #expect(one.weightsHash != nil)
    #expect(one.weightsHash == two.weightsHash)
    #expect(one.finalCrossEntropy == two.finalCrossEntropy)
  }

  @Test func seedsChangeTheWeights() throws {
    let folders = try (TemporaryFolder(), TemporaryFolder())
    let one = try trainTiny(into: folders.0.url, epochs: 1)
    let two = try trainTiny(into: folders.1.url, epochs: 1) { request, _ in request.seed = 1 }
    #expect(one.weightsHash != two.weightsHash)
  }

  /// The tiny graph has 13 distinct sequences' worth of structure; 60 epochs must learn most of it.
  @Test func lossFalls() throws {
    let folder = try TemporaryFolder()
    let record = try trainTiny(into: folder.url, epochs: 60)
    let lines = try folder.text("metrics.jsonl").split(separator: "\n")
    let metrics = try lines.map {
      try JSONDecoder().decode(TrainingMetrics.self, from: Data($0.utf8))
    }
    #expect(metrics.count == 60)
    let first = try #require(metrics.first?.crossEntropy)
    let last = try #require(record.finalCrossEntropy)
    #expect(first > 2.5)
    #expect(last < 1.2)
    #expect(metrics.last?.tokensSeen == 60 * record.tokensPerEpoch)
  }

  /// Stopped after every few steps and started again, the run ends with the same bytes.
  @Test func interruptionsDoNotChangeTheWeights() throws {
    let folders = try (TemporaryFolder(), TemporaryFolder())
    let whole = try trainTiny(into: folders.0.url, epochs: 6)
    var stops = 0
    var record: RunRecord?
    while record == nil {
      do {
        record = try trainTiny(into: folders.1.url, epochs: 6) { _, options in
          options.shouldStop = stopping(after: 4)
          options.workers = stops % 2 + 1
        }
      } catch let error as LabError {
        #expect(error.exitStatus == .interrupted)
        stops += 1
      }
    }
    #expect(stops > 3)
    #expect(record?.weightsHash == whole.weightsHash)
    #expect(record?.finalCrossEntropy == whole.finalCrossEntropy)
    let metrics = try [folders.0, folders.1].map {
      try Data(contentsOf: $0.url.appendingPathComponent("metrics.jsonl"))
    }
    #expect(metrics[0] == metrics[1])
  }

  @Test func finishedRunIsReturnedAsItIs() throws {
    let folder = try TemporaryFolder()
    let first = try trainTiny(into: folder.url)
    #expect(try trainTiny(into: folder.url) == first)
    let run = try RunFolder.open(folder.url)
    #expect(try run.loadModel().parameters.copyOut().count == first.parameterCount)
  }
}

struct RefusalTests {
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test func anotherConfigurationIsRefusedWithTheDifference() throws {
    _ = try trainTiny(into: folder.url, epochs: 1)
    expectFailure("training.epochs is 1 there, 2 here", folder.url.path) {
      try trainTiny(into: folder.url, epochs: 2)
    }
  }

  @Test func strangersFolderIsRefusedUntouched() throws {
    try folder.write("mine", to: "thesis.tex")
    expectFailure("thesis.tex") { try trainTiny(into: folder.url) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["thesis.tex"])
  }

  @Test func alteredWeightsAreRefused() throws {
    let record = try trainTiny(into: folder.url, epochs: 1)
    let weights = folder["model.safetensors"]
    var bytes = try Data(contentsOf: weights)
    bytes[bytes.count - 1] ^= 1
    try bytes.write(to: weights)
    let found = try ContentHash(ofFile: weights).hex
    let isNamed = { (error: any Error) in
      [weights.path, "SHA-256", found, record.weightsHash ?? "none", "restore it"].allSatisfy {
        "\(error)".contains($0)
      }
    }
    #expect { try RunFolder.open(folder.url) } throws: { isNamed($0) }
    // Training the finished run again does not take it for whole either.
    #expect { try trainTiny(into: folder.url, epochs: 1) } throws: { isNamed($0) }
  }

  @Test func divergenceStopsWithTheStep() throws {
    #expect {
      try trainTiny(into: folder.url) { request, _ in
        request.learningRate = 9
        request.training.clipNorm = 0
        request.training.zLoss = 1e30
      }
    } throws: { error in
      "\(error)".contains("diverged at step") && "\(error)".contains("--learning-rate")
        && (error as? TrainingDiverged)?.reason == .notFinite
    }
  }

  @Test func impossibleSizesAreRefused() throws {
    expectFailure("did you mean '30k'?") {
      try trainTiny(into: folder.url) { request, _ in request.size = "30kk" }
    }
    expectFailure("epochs is 0") { try trainTiny(into: folder.url, epochs: 0) }
  }
}
