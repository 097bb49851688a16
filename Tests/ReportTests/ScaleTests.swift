import Report
import Testing

@Suite struct ScaleTests {
  private func scale(
    _ kind: Axis.Scale, _ domain: ClosedRange<Double>, format: ColumnFormat = .number(digits: 3),
    from start: Double = 0, to end: Double = 100
  ) -> PositionScale {
    let axis = ResolvedAxis(
      axis: Axis("x", "X", scale: kind), index: 0, domain: domain, format: format)
    return PositionScale(axis, from: start, to: end)
  }

  @Test func linearTicksAreRoundAndExact() {
    #expect(Ticks.linear(0...0.7, count: 6) == [0, 0.2, 0.4, 0.6])
    #expect(Ticks.linear(0...1, count: 5) == [0, 0.2, 0.4, 0.6, 0.8, 1])
    #expect(Ticks.linear(0.02...0.31, count: 6) == [0.05, 0.1, 0.15, 0.2, 0.25, 0.3])
    #expect(Ticks.linear(-15...42, count: 6) == [-10, 0, 10, 20, 30, 40])
    #expect(Ticks.linear(0...1e6, count: 2) == [0, 500_000, 1_000_000])
    #expect(Ticks.linear(3...3, count: 4) == [3])
  }

  /// No number ends the program: what is too large for an axis has no place on it.
  @Test(arguments: [Axis.Scale.linear, .log])
  func extremeNumbersHaveAxes(kind: Axis.Scale) throws {
    let numbers: [Double] = [
      0, .leastNonzeroMagnitude, 1e-300, 1e-99, 0.5, 1, 1e15, 1e15 + 1, 9.3e18, 1e99, 1e308,
      .infinity, .nan,
    ]
    for first in numbers {
      for second in numbers + numbers.map(-) {
        var data = Records([Column("x", "X"), Column("y", "Y")])
        for value in [first, second] { data.append([.number(value), .number(value)]) }
        let figure = Figure(
          id: "f", title: "F", caption: "", command: "c", data: data,
          x: Axis("x", "X", scale: kind), y: Axis("y", "Y", scale: kind, includesZero: true),
          marks: [.line(), .points], tooltip: ["y"])
        #expect(!SVGFigure.standalone(figure).contains("nan"))
      }
    }
  }

  @Test func niceRangesEndOnTicks() {
    #expect(Ticks.nice(0...0.63, count: 8) == 0...0.7)
    #expect(Ticks.nice(0.013...0.97, count: 5) == 0...1)
    #expect(Ticks.nice(-3...17, count: 4) == -5...20)
  }

  @Test func logTicksAreDecadesAndTheirParts() {
    #expect(Ticks.log(3e3...4e5, mantissas: [1]) == [1e4, 1e5])
    #expect(Ticks.log(900...5e3, mantissas: [1, 2, 5]) == [1e3, 2e3, 5e3])
    #expect(Ticks.log(0.01...10, mantissas: [1]) == [0.01, 0.1, 1, 10])
    #expect(Ticks.log(1...1e6, mantissas: [1], stride: 3) == [1, 1e3, 1e6])
  }

  @Test func logPositionsAreByHand() {
    let scale = scale(.log, 1e3...1e5, from: 40, to: 240)
    #expect(scale.position(1e3) == 40)
    #expect(abs(scale.position(1e4) - 140) < 1e-9)
    #expect(abs(scale.position(1e5) - 240) < 1e-9)
    #expect(abs(scale.position(2e3) - (40 + 100 * 0.30102999566398120)) < 1e-9)
    #expect(abs(scale.clamped(1) - 40) < 1e-9)
  }

  @Test func linearPositionsMayRunDownwards() {
    let scale = scale(.linear, 0...0.8, from: 200, to: 0)
    #expect(scale.position(0) == 200)
    #expect(scale.position(0.8) == 0)
    #expect(scale.position(0.2) == 150)
    #expect(scale.position(1) == -50)
  }

  @Test func logLabelsAreAsFineAsTheRangeAllows() {
    func labels(_ domain: ClosedRange<Double>) -> [String] {
      scale(.log, domain, format: .count, to: 400).ticks { _ in 30 }.compactMap(\.label)
    }
    #expect(labels(3e3...1.2e5) == ["5k", "10k", "20k", "50k", "100k"])
    #expect(labels(2e3...2e6) == ["10k", "100k", "1m"])
    #expect(labels(1e3...1.5e3) == ["1k", "1.1k", "1.2k", "1.3k", "1.4k", "1.5k"])
  }

  @Test func minorLogTicksHaveNoLabel() {
    let ticks = scale(.log, 1e3...1e6, format: .count).ticks { _ in 30 }
    #expect(ticks.count == 28)
    #expect(ticks.count { $0.label != nil } == 4)
  }

  @Test func labelsThinOutBeforeTheyTouch() {
    let scale = scale(.linear, 0...1, format: .percent(digits: 1), to: 60)
    #expect(
      scale.ticks { _ in 28 }.compactMap(\.label) == ["0\u{202F}%", "50\u{202F}%", "100\u{202F}%"])
  }

  /// Generations 0 and 1 are not "0, 0, 0, 1, 1, 1".
  @Test func wholeNumbersHaveNoTicksBetween() {
    func labels(_ domain: ClosedRange<Double>) -> [String] {
      scale(.linear, domain, format: .integer, to: 400).ticks { _ in 10 }.compactMap(\.label)
    }
    #expect(labels(0...1) == ["0", "1"])
    #expect(labels(0...3) == ["0", "1", "2", "3"])
    #expect(labels(0...20) == ["0", "5", "10", "15", "20"])
  }

  @Test func tickLabelsShowNoIdleDigits() {
    func text(_ value: Double, _ step: Double, _ format: ColumnFormat) -> String {
      TickLabel.text(value, step: step, format, .linear)
    }
    #expect(text(0.2, 0.2, .percent(digits: 1)) == "20\u{202F}%")
    #expect(text(0.005, 0.005, .percent(digits: 0)) == "0.5\u{202F}%")
    #expect(text(2500, 500, .count) == "2.5k")
    #expect(text(1e12, 1, .scientific) == "10¹²")
    #expect(text(2e12, 1, .scientific) == "2×10¹²")
    #expect(text(0.25, 0.05, .number(digits: 0)) == "0.25")
  }
}
