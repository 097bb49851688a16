import Foundation
import Report
import Testing

@Suite struct DataTests {
  @Test func csvBytesAreExact() {
    let records = Records(
      [
        Column("name", "Name"), Column("value", "Value", .number(digits: 2)),
        Column("n", "N", .count),
      ],
      [
        ["plain", 0.1, 3], ["a,b", 20.0, -7], ["say \"hi\"", 1e-7, .missing],
        ["two\r\nlines", .number(.nan), 0], [" edge", .number(-.infinity), 1_048_000],
        ["", 0.0, 1],
      ])
    let expected =
      "name,value,n\r\nplain,0.1,3\r\n\"a,b\",20,-7\r\n\"say \"\"hi\"\"\",1e-07,\r\n"
      + "\"two\r\nlines\",nan,0\r\n\" edge\",-inf,1048000\r\n,0,1\r\n"
    #expect(CSV.text(records) == expected)
    #expect(CSV.data(records) == Data(expected.utf8))
  }

  @Test(arguments: [
    (ColumnFormat.percent(digits: 1), 0.5663, "56.6\u{202F}%"),
    (.percent(digits: 0), 1, "100\u{202F}%"), (.number(digits: 2), -0.005, "−0.01"),
    (.number(digits: 1), -0.01, "0.0"), (.integer, 98_688, "98\u{202F}688"),
    (.integer, 9492, "9492"),
    (.integer, -1_048_000, "−1\u{202F}048\u{202F}000"), (.count, 98_688, "98.7k"),
    (.count, -3120, "−3.12k"), (.scientific, 1.23e15, "1.2×10¹⁵"), (.scientific, 0, "0"),
    (.scientific, -2e-7, "−2.0×10⁻⁷"), (.text, 20, "20"),
  ])
  func formatsAreReadable(format: ColumnFormat, value: Double, expected: String) {
    #expect(format.string(value) == expected)
    #expect(format.string(.number(value)) == expected)
  }

  @Test func missingValuesAreDashes() {
    #expect(ColumnFormat.count.string(.missing) == "–")
    #expect(ColumnFormat.count.string(.number(.nan)) == "nan")
    #expect(Cell(nil as Double?) == .missing)
  }

  @Test func proseReadsMarkupInLiteralsOnly() {
    let name = "*a* `b` <c>"
    let prose: Prose = "The *\(name)* of `x \(3)` and 6 * 7"
    #expect(
      prose.spans == [
        .init(style: .plain, text: "The "), .init(style: .emphasis, text: name),
        .init(style: .plain, text: " of "), .init(style: .code, text: "x 3"),
        .init(style: .plain, text: " and 6 * 7"),
      ])
    #expect(Prose(plain: name).spans == [.init(style: .plain, text: name)])
  }
}
