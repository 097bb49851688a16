import Analysis
import LabCore
import Testing

@Suite struct QuadraticForecastTests {
  /// A planted quadratic is continued exactly; three points have no interval, five without noise
  /// one of no width.
  @Test func planted() throws {
    func law(_ x: Double) -> Double { 3 - 0.8 * x + 0.07 * x * x }
    let points = [9.0, 10, 11.5, 12, 13].map { (x: $0, y: law($0)) }
    let forecast = try #require(QuadraticForecast.at(15, from: points))
    let interval = try #require(forecast.interval)
    #expect(abs(forecast.value - law(15)) < 1e-9 && interval.width < 1e-6)
    #expect(interval.contains(law(15)) || interval.width < 1e-9)
    let exact = try #require(QuadraticForecast.at(15, from: Array(points.prefix(3))))
    #expect(abs(exact.value - law(15)) < 1e-9 && exact.interval == nil)
    #expect(QuadraticForecast.at(15, from: [points[0], points[0], points[1]]) == nil)
  }

  /// numpy.linalg.lstsq with columns of x^2, x and 1, and value ± scipy.stats.t.ppf(0.975, 2) s
  /// sqrt(1 + v (X'X)^-1 v').
  @Test func leastSquares() throws {
    let x = [9.2, 10.1, 11.4, 12.3, 12.9]
    let y = [1.10, 1.42, 1.35, 2.05, 2.31]
    let forecast = try #require(
      QuadraticForecast.at(14.6, from: zip(x, y).map { (x: $0, y: $1) }))
    let interval = try #require(forecast.interval)
    #expect(abs(forecast.value - 3.6823036662259883) < 1e-9)
    #expect(abs(interval.low - 0.030599313270013972) < 1e-8)
    #expect(abs(interval.high - 7.3340080191819625) < 1e-8)
  }

  /// Of 1,000 new observations beyond the points, 95 % lie in the interval (standard error 0.7 %).
  @Test func coversNewObservations() throws {
    var stream = Seed(3).stream("test")
    func observed(_ x: Double) -> Double { 1 + 0.4 * x - 0.1 * x * x + 0.3 * stream.normal() }
    var inside = 0
    for _ in 0..<1_000 {
      let points = [0.0, 0.7, 1.4, 2.1, 2.8].map { (x: $0, y: observed($0)) }
      let interval = try #require(QuadraticForecast.at(3.5, from: points)?.interval)
      inside += interval.contains(observed(3.5)) ? 1 : 0
    }
    #expect((930...970).contains(inside))
  }
}
