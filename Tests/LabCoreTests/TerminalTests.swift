import LabCore
import Testing

@Suite struct TerminalTests {
  @Test(arguments: [
    ("plain é 名 👍", "plain é 名 👍"), ("\u{1B}[31mred\u{7}", "\\u{1B}[31mred\\u{7}"),
    ("two\nlines\r", "two\\u{A}lines\\u{D}"), ("a\u{202E}b", "a\\u{202E}b"),
    ("\u{9B}2J", "\\u{9B}2J"), ("a\tb\u{7F}\0", "a\\u{9}b\\u{7F}\\u{0}"),
  ])
  func whatATerminalWouldObeyIsShown(text: String, shown: String) {
    #expect(Readable.visible(text) == shown)
  }

  @Test(arguments: [
    ("runs/a", "runs/a"), ("my runs/a", "'my runs/a'"), ("it's", "'it'\\''s'"), ("", "''"),
    ("$(rm -r x)", "'$(rm -r x)'"), ("--size=3k", "--size=3k"), ("a;b", "'a;b'"), ("é", "'é'"),
  ])
  func wordsAreQuotedForAShell(word: String, quoted: String) {
    #expect(Readable.shellWord(word) == quoted)
  }

  @Test(arguments: [
    Double.infinity, -.infinity, .nan, 1e308, -1, 9.2e18, Double(Int.max), -0.6,
  ])
  func durationsThatAreNoneAreSaid(seconds: Double) {
    #expect(Readable.duration(seconds) == "?")
  }
}
