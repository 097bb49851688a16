import Compute
import Foundation
import KnowledgeGraph
import LabCore
import LanguageModel
import TestSupport
import Testing
import Training

/// Runs made of runs by compression, and trainings that keep their zeros.
@Suite struct CompressedRunTests {
  private let folder: TemporaryFolder
  private let graph: KnowledgeGraph
  private let parent: RunRecord

  init() throws {
    folder = try TemporaryFolder()
    try KnowledgeGraphFile.write(folder["graph.sqlite"])
    graph = try KnowledgeGraph.open(folder["graph.sqlite"])
    parent = try trainTiny(graph, in: folder["graph.sqlite"], into: folder["parent"], epochs: 12) {
      request, _ in request.training.tokensPerStep = 64
    }
  }

  @discardableResult private func compress(
    _ name: String, bits: Int? = nil, prune: Double = 0, of source: String = "parent"
  ) throws -> RunRecord {
    try CompressedRun(
      of: folder[source], WeightCompression(bits: bits, prune: prune), into: folder[name]
    ).write()
  }

  private func weights(_ name: String) throws -> [Float] {
    try RunFolder.open(folder[name]).loadModel().parameters.copyOut()
  }

  /// The same bytes, so that every measure gives the same.
  @Test func nothingPrunedInSinglePrecisionIsTheParentItself() throws {
    let record = try compress("same")
    #expect(record.weightsHash == parent.weightsHash)
    #expect(record.storedBytes == 4 * parent.parameterCount && record.zeroShare == 0)
    #expect(record.configurationHash != parent.configurationHash)
  }

  @Test func aCompressedRunIsARunLikeAnyOther() throws {
    let record = try compress("deep/small", bits: 8, prune: 0.5)
    #expect(record.configuration.start == parent.weightsHash && record.startPath == "../../parent")
    #expect(record.configuration.compression == WeightCompression(bits: 8, prune: 0.5))
    #expect(record.trainingFLOPs == parent.trainingFLOPs && record.finalCrossEntropy == nil)
    let run = try RunFolder.open(folder["deep/small"])
    #expect(run.record == record)
    #expect(try run.graph().contentHash == graph.contentHash)
    let values = try weights("deep/small")
    let matrices = run.record.configuration.model.parameterCount
    let zeros = Double(values.count { $0 == 0 }) / Double(matrices)
    #expect(abs(zeros - (record.zeroShare ?? 0)) < 0.02 && zeros >= 0.48)
    // An export holds the same weights.
    let export = try ModelExport.write(folder["deep/small"], to: folder["export"])
    #expect(export.weightsHash == record.weightsHash)
    #expect(export.run.storedBytes == record.storedBytes)
    expectFailure("has no checkpoint of step 0") {
      try ModelExport.write(folder["deep/small"], source: .step(0), to: folder["initial"])
    }
    // Once made it stays, and nothing else takes its place.
    #expect(try compress("deep/small", bits: 8, prune: 0.5) == record)
    expectFailure("holds another run", "compression.bits is 8 there, 4 here") {
      try compress("deep/small", bits: 4, prune: 0.5)
    }
    expectFailure("holds another run") { try compress("parent", bits: 4) }
  }

  @Test func parentsThatAreMissingAlteredOrQuantisedAreRefusedByName() throws {
    expectFailure("nobody") { try compress("child", bits: 8, of: "nobody") }
    try compress("small", bits: 4)
    expectFailure("small is quantised to 4 bits already") {
      try compress("child", prune: 0.5, of: "small")
    }
    let file = folder["parent/model.safetensors"]
    var data = try Data(contentsOf: file)
    data[data.count - 3] ^= 1
    try data.write(to: file)
    expectFailure("parent/model.safetensors is truncated or altered") { try compress("child") }
    #expect(!folder.exists("child"))
    // What is made already needs its parent no more.
    #expect(try RunFolder.open(folder["small"]).record.configuration.start == parent.weightsHash)
  }

  private func recover(_ name: String, stopAfter: Int? = nil) throws -> RunRecord {
    try trainTiny(graph, in: folder["graph.sqlite"], into: folder[name], epochs: 4) {
      request, options in
      request.training.tokensPerStep = 64
      request.start = folder["pruned"]
      request.training.keepsZeros = true
      if let stopAfter { options.shouldStop = stopping(after: stopAfter) }
    }
  }

  @Test func trainingOnKeepsTheZerosAndNothingElse() throws {
    let pruned = try compress("pruned", prune: 0.6)
    let recovered = try recover("whole")
    let (before, after) = (try weights("pruned"), try weights("whole"))
    #expect(before.indices.allSatisfy { before[$0] != 0 || after[$0] == 0 })
    let moved = before.indices.count { before[$0] != 0 && after[$0] != before[$0] }
    #expect(moved > before.count { $0 != 0 } * 9 / 10)
    #expect(recovered.storedBytes == pruned.storedBytes)
    #expect(recovered.zeroShare == pruned.zeroShare)
    let text = String(decoding: try CanonicalJSON.compact(recovered.configuration), as: UTF8.self)
    #expect(text.contains(#""keep_zeros":true"#) && !text.contains("compression"))
    // Stopped and continued it has the same bytes, and it can be quantised in turn.
    #expect(throws: LabError.self) { try recover("cut", stopAfter: 5) }
    #expect(try recover("cut").weightsHash == recovered.weightsHash)
    let small = try compress("small", bits: 8, of: "whole")
    #expect((small.zeroShare ?? 0) >= 0.59)
    #expect((small.storedBytes ?? 0) < (recovered.storedBytes ?? 0) / 2)
  }

  @Test func freshWeightsHaveNoZerosToKeep() {
    expectFailure("keep_zeros leaves the zeros of a run started from") {
      try trainTiny(graph, into: folder["fresh"]) { request, _ in request.training.keepsZeros = true
      }
    }
  }
}
