import Benchmarks
import Compute
import Foundation
import LabCore
import TestSupport
import Testing

@Suite struct KernelBenchmarkTests {
  @Test func tablesAreFoundByName() throws {
    #expect(Device.all.first?.name == Device.cpu.name)
    #expect(Device.all.last?.name == "reference")
    for device in Device.all { #expect(try Device.named(device.name).name == device.name) }
    expectFailure("did you mean 'reference'") { try Device.named("refrence") }
  }

  @Test func theCeilingIsPositiveAndWithinReason() throws {
    let ceiling = try ProductCeiling.measure(.fp32, workers: 2, seconds: 1e-3)
    #expect(ceiling.flopsPerSecond > 1e6 && ceiling.flopsPerSecond < 1e15)
    #expect(ceiling.size == 256)
    #expect(ceiling.workers == 2)
  }

  /// The ops that `ckernels.h` declares with a stream are the ops measured.
  @Test func everyOpOfTheTableIsMeasured() throws {
    let text = try Repository.text("Sources/CKernels/include/ckernels.h")
    let declared = text.matches(of: /\(\*(\w+)\)\(kl_stream \*,/).map { String($0.1) }
    #expect(declared.count > 25)
    let result = try KernelBenchmark(
      on: .cpu, widths: [32], rows: 128, precisions: [.fp32, .bf16]
    ).run(seconds: 1e-5)
    #expect(Set(result.measurements.map(\.op)) == Set(declared))
    for row in result.measurements {
      #expect(row.seconds > 0 && row.calls > 0, "\(row.op)")
      #expect(row.bytesPerSecond.isFinite && row.bytesPerSecond > 0, "\(row.op)")
      #expect(row.nanosecondsPerElement.isFinite && row.nanosecondsPerElement > 0, "\(row.op)")
      #expect((row.flopsPerSecond == nil) == (row.shareOfCeiling == nil), "\(row.op)")
    }
    let products = result.measurements.filter { $0.op == "linear_forward" }
    #expect(Set(products.map(\.precision)) == [.fp32, .bf16])
    #expect(result.ceilings.map(\.precision) == [.fp32, .bf16])
  }

  @Test func aRateIsTheCountedWorkOverTime() throws {
    let result = try KernelBenchmark(
      on: .reference, widths: [32], rows: 8, precisions: [.fp32], names: ["linear_forward"]
    ).run(seconds: 1e-5)
    let row = try #require(result.measurements.first { $0.shape == "8x32x96" })
    let flops = try #require(row.flopsPerSecond) * row.seconds
    #expect(abs(flops - 2 * 8 * 32 * 96) < 1e-3)
    // Input, weight and output are touched once.
    #expect(abs(row.bytesPerSecond * row.seconds - 4 * (8 * 32 + 32 * 96 + 8 * 96)) < 1e-3)
  }
}
