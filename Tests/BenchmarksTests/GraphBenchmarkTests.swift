import Benchmarks
import Foundation
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

@Suite struct GraphBenchmarkTests {
  @Test func everyWorkIsMeasuredOnTheSameGraph() throws {
    let folder = try TemporaryFolder()
    let schema = try GraphSchema.read(Repository.file("kg-schemas/tiny.yaml"))
    let benchmark = GraphBenchmark(schema: schema, seed: Seed(1), folder: folder.url)
    var works: [String] = []
    let rates = try benchmark.run(seconds: 0) { works.append($0) }
    #expect(rates.map(\.work) == ["generate", "open", "import", "judge"])
    #expect(works == rates.map(\.work))
    let graph = try benchmark.graph()
    #expect(rates[0].count == graph.answers.count)
    #expect(rates[1].count == graph.answers.count)
    #expect(rates[3].count == graph.queries.count)
    #expect(rates.allSatisfy { $0.perSecond > 0 && $0.perSecond.isFinite })
    // Names that two triples share make one triple in the text.
    #expect(rates[2].count > 0 && rates[2].count <= graph.answers.count)
  }
}
