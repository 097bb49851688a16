import Foundation
import LabCore
import Testing

@Suite struct SnakeCaseKeyTests {
  private struct Sample: Codable, Equatable {
    var steps = 1
    var trainingFLOPs = 2.0
    var topK = 3
    var hash = "x"

    enum CodingKeys: String, SnakeCaseKey {
      case steps, trainingFLOPs, topK
      case hash = "weights_sha256"
    }
  }

  @Test func keysAreTheNamesInSnakeCase() throws {
    let data = try CanonicalJSON.compact(Sample())
    #expect(
      String(decoding: data, as: UTF8.self)
        == #"{"steps":1,"top_k":3,"training_flops":2,"weights_sha256":"x"}"#)
    #expect(try CanonicalJSON.decode(Sample.self, from: data) == Sample())
  }
}
