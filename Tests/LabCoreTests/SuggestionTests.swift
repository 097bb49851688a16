import LabCore
import Testing

@Suite struct SuggestionTests {
  @Test(arguments: [
    ("", "", 0), ("abc", "abc", 0), ("kitten", "sitting", 3), ("", "abc", 3), ("abc", "", 3),
    ("flaw", "lawn", 2), ("été", "ete", 2),
  ])
  func distanceIsLevenshteins(first: String, second: String, expected: Int) {
    #expect(Suggestion.distance(first, second) == expected)
    #expect(Suggestion.distance(second, first) == expected)
  }

  @Test func theNearestNameIsMeantWhenItIsNear() {
    let names = ["predicates", "types", "visibility"]
    #expect(Suggestion.nearest(to: "predicate", in: names) == "predicates")
    #expect(Suggestion.nearest(to: "Visability", in: names) == "visibility")
    #expect(Suggestion.nearest(to: "exposure", in: names) == nil)
    // Of equally near names the first in alphabetical order.
    #expect(Suggestion.nearest(to: "cat", in: ["rat", "bat"]) == "bat")
  }

  @Test func hintsNameOneOrAll() {
    #expect(Suggestion.hint(for: "typs", in: ["types", "x"]) == "; did you mean 'types'?")
    #expect(Suggestion.hint(for: "exposure", in: ["types", "x"]) == "; known: types, x")
    #expect(Suggestion.hint(for: "exposure", in: []) == "")
  }
}
