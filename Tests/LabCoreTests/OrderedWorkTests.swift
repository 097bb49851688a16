import LabCore
import Testing

struct OrderedWorkTests {
  private struct Stop: Error {}

  @Test(arguments: [1, 2, 7])
  func partsAreTakenInOrder(workers: Int) throws {
    var taken: [Int] = []
    try OrderedWork.run(parts: 200, workers: workers) { part in
      // Later parts are often ready first.
      (0..<((200 - part) * 50)).reduce(part) { sum, _ in sum }
    } take: {
      taken.append($0)
    }
    #expect(taken == Array(0..<200))
  }

  @Test(arguments: [1, 3])
  func theFirstErrorEndsTheWork(workers: Int) {
    var taken: [Int] = []
    #expect(throws: Stop.self) {
      try OrderedWork.run(parts: 100, workers: workers) { part in
        if part >= 20 { throw Stop() }
        return part
      } take: {
        taken.append($0)
      }
    }
    #expect(taken == Array(0..<20))
    #expect(throws: Stop.self) {
      try OrderedWork.run(parts: 100, workers: workers) {
        $0
      } take: { part in
        if part == 5 { throw Stop() }
      }
    }
  }

  @Test func nothingIsNoWork() throws {
    try OrderedWork.run(parts: 0, workers: 4) {
      $0
    } take: { _ in
      Issue.record("there is no part")
    }
  }
}
