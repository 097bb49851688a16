import LabCore
import Testing

struct GroupingTests {
  @Test func groupsStandInTheOrderOfTheirFirstElements() {
    let groups = ["pear", "fig", "plum", "date", "kiwi", "apple"].grouped { $0.count }
    #expect(groups.map(\.key) == [4, 3, 5])
    #expect(groups.map(\.elements) == [["pear", "plum", "date", "kiwi"], ["fig"], ["apple"]])
    #expect([Int]().grouped { $0 }.isEmpty)
  }

  @Test func distinctKeepsTheFirstOfEach() {
    #expect([3, 1, 3, 2, 1].distinct == [3, 1, 2])
    #expect("abca".map(String.init).distinct == ["a", "b", "c"])
  }
}
