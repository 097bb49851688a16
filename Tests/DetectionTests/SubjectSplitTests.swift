import Detection
import KnowledgeGraph
import LabCore
import TestSupport
import Testing

@Suite struct SubjectSplitTests {
  @Test(arguments: [
    (1_200, [720, 240, 240]), (10, [6, 2, 2]), (5, [3, 1, 1]), (4, [2, 1, 1]), (7, [4, 2, 1]),
  ])
  func sizesAreTheSharesOfTheSubjects(count: Int, expected: [Int]) throws {
    let split = try SubjectSplit(of: separateSubjects(count), seed: Seed(1))
    #expect(SplitPart.allCases.map { split.subjects[$0]?.count } == expected)
  }

  @Test func everySubjectIsInExactlyOnePart() throws {
    let ids = separateSubjects(97).map { $0 * 5 + 3 }
    let split = try SubjectSplit(of: ids, seed: Seed(1))
    #expect(SplitPart.allCases.flatMap { split.subjects[$0] ?? [] }.sorted() == ids)
    for part in SplitPart.allCases {
      for subject in split.subjects[part] ?? [] { #expect(split.part(of: subject) == part) }
    }
    #expect(split.part(of: 4) == nil)
    try SubjectSplit.checkDisjoint(split.subjects)
  }

  @Test func dependsOnTheIdsAndTheSeedAlone() throws {
    let ids = separateSubjects(50)
    let split = try SubjectSplit(of: ids, seed: Seed(1))
    #expect(try SubjectSplit(of: ids.reversed() + ids, seed: Seed(1)) == split)
    #expect(try SubjectSplit(of: ids, seed: Seed(2)) != split)
    #expect(split.subjects[.test] != Array(40..<50))
  }

  @Test func examplesFollowTheirSubjects() throws {
    let split = try SubjectSplit(of: separateSubjects(20), seed: Seed(1))
    var stream = Seed(4).stream("subjects")
    let subjects = (0..<300).map { _ in Int32(stream.below(20)) }
    let indices = try split.indices(ofSubjects: subjects)
    #expect(SplitPart.allCases.flatMap { indices[$0] ?? [] }.sorted() == Array(0..<300))
    try SubjectSplit.checkDisjoint(indices.mapValues { $0.map { subjects[$0] } })
    for (part, own) in indices {
      #expect(own == own.sorted() && own.allSatisfy { split.part(of: subjects[$0]) == part })
    }
    #expect(throws: DetectionError.subjectNotSplit(subject: 20, index: 1)) {
      try split.indices(ofSubjects: [3, 20])
    }
  }

  @Test func leakageIsFound() {
    let expected = DetectionError.subjectLeaks(
      subject: 3, first: .train, second: .test, sharedCount: 2)
    #expect(throws: expected) {
      try SubjectSplit.checkDisjoint([.train: [1, 3, 9], .validation: [2], .test: [9, 3, 3, 4]])
    }
    #expect(throws: DetectionError.self) {
      try SubjectSplit.checkDisjoint([.train: [1], .validation: [2, 5], .test: [5]])
    }
    #expect(expected.description.contains("id 3"))
  }

  @Test func impossibleSplitsAreRefused() throws {
    #expect(throws: DetectionError.tooFewSubjects(count: 2, emptyPart: .test)) {
      try SubjectSplit(of: [1, 2], seed: Seed(1))
    }
    #expect(throws: DetectionError.tooFewSubjects(count: 0, emptyPart: .train)) {
      try SubjectSplit(of: [], seed: Seed(1))
    }
  }

  /// Two people of one name are asked about with the same words.
  @Test func namesakesStayTogether() throws {
    var builder = GraphBuilder(
      entityTypes: [EntityType(name: "person")],
      entities: (0..<60).map { Entity(name: "Ada \($0 / 2)", type: 0) },
      predicates: [Predicate(name: "knows", subjectType: 0, objectType: 0)])
    for person in 0..<60 {
      builder.add(
        Triple(subject: Int32(person), predicate: 0, object: Int32((person * 7 + 1) % 60)),
        isVisible: true)
    }
    let split = try SubjectSplit(of: builder.build(), seed: Seed(1))
    for pair in 0..<30 {
      #expect(split.part(of: Int32(2 * pair)) == split.part(of: Int32(2 * pair + 1)))
    }
    #expect(SplitPart.allCases.map { split.subjects[$0]?.count } == [36, 12, 12])
    // Without namesakes it is the split of the ids.
    let graph = SmallGraph.people(40)
    #expect(
      try SubjectSplit(of: graph, seed: Seed(1))
        == SubjectSplit(of: graph.queries.map(\.subject), seed: Seed(1)))
  }
}
