import Analysis
import Testing

/// Shapes and steps of lists that were made by hand.
struct CurveShapeTests {
  private func shape(_ means: [Double], error: Double = 0.01) -> CurveShape? {
    CurveShape(means.map { CurveShape.Point(mean: $0, standardError: error) })
  }

  @Test func shapesOfHandMadeLists() {
    #expect(shape([0.9, 0.7, 0.5]) == .inverse)
    #expect(shape([0.5, 0.3, 0.6]) == .u)
    #expect(shape([0.9, 0.3, 0.6]) == .u)
    #expect(shape([0.2, 0.5, 0.8]) == .positive)
    #expect(shape([0.5, 0.5, 0.5]) == .flat)
    // A dip that the first size does not stand above is none.
    #expect(shape([0.5, 0.49, 0.8]) == .positive)
    // Down and then level within the errors.
    #expect(shape([0.9, 0.5, 0.51]) == .inverse)
    // Up and back again: worse at the end than at its best.
    #expect(shape([0.5, 0.9, 0.5]) == .inverse)
    #expect(shape([0.2, 0.9, 0.6]) == .positive)
    #expect(shape([0.5]) == nil && shape([]) == nil)
  }

  /// A difference counts above twice the root of the sum of both squared errors: 2 √2 SE.
  @Test func differencesCountAboveTwoStandardErrors() {
    #expect(shape([0, 0.28], error: 0.1) == .flat && shape([0, 0.29], error: 0.1) == .positive)
    #expect(shape([0.28, 0], error: 0.1) == .flat && shape([0.29, 0], error: 0.1) == .inverse)
    #expect(shape([0.3, 0, 0.28], error: 0.1) == .flat && shape([0.3, 0, 0.29], error: 0.1) == .u)
    let points = [(0.0, 0.3), (1, 0.4)].map { CurveShape.Point(mean: $0.0, standardError: $0.1) }
    #expect(CurveShape(points) == .flat, "two standard errors of the difference are 1")
  }

  /// A perfect line of K steps has linearity and breakthroughness K; one jump has linearity √K.
  @Test func linesAndJumps() throws {
    for steps in 1...6 {
      let line = try #require(Breakthrough((0...steps).map { 0.25 * Double($0) }))
      #expect(line.linearity == Double(steps) && line.breakthroughness == Double(steps))
      let fall = try #require(Breakthrough((0...steps).map { -0.25 * Double($0) }))
      #expect(fall.linearity == Double(-steps) && fall.breakthroughness == Double(-steps))
    }
    let jump = try #require(Breakthrough([0, 0, 0, 0, 1]))
    #expect(jump.linearity == 2 && jump.breakthroughness == nil)
    // Steps 0.1, 0.1, 0.6: range 0.8, root mean square 0.3559, root median 0.1.
    let bend = try #require(Breakthrough([0, 0.1, 0.2, 0.8]))
    #expect(abs(bend.linearity - 0.8 / (0.38 / 3).squareRoot()) < 1e-12)
    #expect(abs((bend.breakthroughness ?? 0) - 8) < 1e-12)
    #expect(Breakthrough([0.5, 0.5]) == nil && Breakthrough([1]) == nil)
  }
}
