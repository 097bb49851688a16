import Analysis
import Testing

@Suite struct ParabolaTests {
  @Test func planted() throws {
    for (vertex, minimum, curvature) in [(2.0, 1.0, 0.5), (-30, 0.25, 3), (14.2, 7, 0.01)] {
      let points = [0.0, 1, 2.5, 4, 9].map { step in
        let x = 10 + step
        return (x: x, y: minimum + curvature * (x - vertex) * (x - vertex))
      }
      let fit = try #require(Parabola.fit(points))
      #expect(abs(fit.vertex - vertex) < 1e-9 * max(1, abs(vertex)))
      #expect(abs(fit.minimum - minimum) < 1e-7)
      #expect(abs(fit.curvature - curvature) < 1e-10)
    }
  }

  /// numpy.polyfit([0, 1, 2, 3, 4], [3, 1.5, 1.2, 1.4, 3.3], 2): 0.52142857, -2.03571429,
  /// 3.02285714.
  @Test func leastSquares() throws {
    let y = [3, 1.5, 1.2, 1.4, 3.3]
    let fit = try #require(
      Parabola.fit(y.enumerated().map { (x: Double($0.offset), y: $0.element) }))
    #expect(abs(fit.curvature - 0.52142857) < 1e-8)
    #expect(abs(fit.vertex - 2.03571429 / (2 * 0.52142857)) < 1e-7)
    #expect(abs(fit.minimum - (3.02285714 - 2.03571429 * 2.03571429 / (4 * 0.52142857))) < 1e-7)
  }

  @Test func refused() {
    #expect(Parabola.fit([(x: 1, y: 1), (x: 2, y: 0)]) == nil)
    #expect(Parabola.fit([(x: 1, y: 1), (x: 2, y: 0), (x: 2, y: 1)]) == nil)
    #expect(Parabola.fit([(x: 1, y: 1), (x: 2, y: 2), (x: 3, y: 1)]) == nil)
  }
}
