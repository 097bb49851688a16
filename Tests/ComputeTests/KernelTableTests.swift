import CKernelChecks
import CKernels
import Synchronization
import Testing

/// The names of the tables this CPU runs, best first.
private let tableNames: [String] = {
  var tables = unsafe [UnsafePointer<kl_table>?](repeating: nil, count: 8)
  let count = unsafe kl_tables(&tables, tables.count)
  return unsafe tables.prefix(count).compactMap { table in
    unsafe table.map { unsafe String(cString: $0.pointee.name) }
  }
}()

private func withTable<Result>(
  named name: String, _ body: (UnsafePointer<kl_table>) throws -> Result
) throws -> Result {
  var tables = unsafe [UnsafePointer<kl_table>?](repeating: nil, count: 8)
  let count = unsafe kl_tables(&tables, tables.count)
  let found = unsafe tables.prefix(count).compactMap { unsafe $0 }.first { table in
    unsafe String(cString: table.pointee.name) == name
  }
  return try unsafe body(#require(unsafe found))
}

@Suite struct KernelTableTests {
  @Test func tablesEndWithTheReference() throws {
    #expect(tableNames.last == "reference")
    #expect(Set(tableNames).count == tableNames.count)
    let best = unsafe String(cString: kl_table_cpu().pointee.name)
    #expect(best == tableNames.first)
    #expect(unsafe kl_table_cpu().pointee.version == KL_TABLE_VERSION)
  }

  @Test(arguments: tableNames)
  func everyOpAgreesWithTheReferenceAndWithDifferences(name: String) throws {
    var report = [CChar](repeating: 0, count: 1 << 16)
    let failures = try unsafe withTable(named: name) { table in
      unsafe kl_check(table, &report, report.count)
    }
    let text = String(
      decoding: report.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    #expect(failures == 0, "\(text)")
  }

  @Test func checkReportsATableThatIsWrong() throws {
    var wrong = unsafe kl_table_cpu().pointee
    unsafe wrong.relu_forward = { _, out, inp, count in
      for i in 0..<count { unsafe out?[i] = unsafe inp?[i] ?? 0 }
    }
    var report = [CChar](repeating: 0, count: 256)
    let failures = unsafe kl_check(&wrong, &report, report.count)
    #expect(failures > 0)
    #expect(report.last == 0)
    let text = String(
      decoding: report.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    #expect(text.contains("relu_forward"))
  }
}

/// One matrix product run by each piece, on a stream of its own.
private final class Products: @unchecked Sendable {
  // Piece p alone touches outputs[p] and stream p; the inputs are only read.
  let tokens = 130
  let inputs = 48
  let outputs = 301
  let pieces = 8
  let precision: kl_precision
  let inp: [Float]
  let weight: [Float]
  private let results: Mutex<[[Float]]>

  init(precision: kl_precision) {
    self.precision = precision
    inp = (0..<130 * 48).map { Float(($0 * 7919) % 1009) / 1009 - 0.5 }
    weight = (0..<301 * 48).map { Float(($0 * 104_729) % 997) / 997 - 0.5 }
    results = Mutex(Array(repeating: [], count: 8))
  }

  func run(piece: Int) {
    let limits = kl_limits(max_tokens: 130, max_sequence_length: 16, max_width: 301)
    guard let table = unsafe kl_table_cpu(),
      let stream = unsafe table.pointee.stream_create(precision, limits)
    else { return }
    var out = [Float](repeating: 0, count: tokens * outputs)
    unsafe table.pointee.linear_forward(stream, &out, inp, weight, nil, tokens, inputs, outputs, 0)
    unsafe table.pointee.stream_destroy(stream)
    results.withLock { $0[piece] = out }
  }

  var all: [[Float]] { results.withLock { $0 } }
}

private final class Tally: Sendable {
  let hits: [Counter]
  let strayWorkers = Atomic<Int>(0)
  let workerCount: Int

  final class Counter: Sendable { let count = Atomic<Int>(0) }

  init(pieces: Int, workerCount: Int) {
    hits = (0..<pieces).map { _ in Counter() }
    self.workerCount = workerCount
  }
}

@Suite struct WorkerPoolTests {
  @Test(arguments: [1, 2, 4])
  func everyPieceRunsOnceInEachRun(workers: Int) throws {
    let pool = try unsafe #require(kl_pool_create(workers))
    defer { unsafe kl_pool_destroy(pool) }
    let runs = 1000
    let tally = Tally(pieces: 13, workerCount: workers)
    let context = unsafe Unmanaged.passUnretained(tally).toOpaque()
    for _ in 0..<runs {
      unsafe kl_pool_run(
        pool, tally.hits.count,
        { context, worker, piece in
          guard let context = unsafe context else { return }
          let tally = unsafe Unmanaged<Tally>.fromOpaque(context).takeUnretainedValue()
          tally.hits[piece].count.add(1, ordering: .relaxed)
          if worker >= tally.workerCount { tally.strayWorkers.add(1, ordering: .relaxed) }
        }, context)
    }
    #expect(
      tally.hits.map { $0.count.load(ordering: .relaxed) } == Array(repeating: runs, count: 13))
    #expect(tally.strayWorkers.load(ordering: .relaxed) == 0)
  }

  @Test func noPiecesIsNoWork() throws {
    let pool = try unsafe #require(kl_pool_create(2))
    defer { unsafe kl_pool_destroy(pool) }
    unsafe kl_pool_run(pool, 0, { _, _, _ in Issue.record("no piece was asked for") }, nil)
  }

  @Test(arguments: [kl_precision.KL_PRECISION_FP32, .KL_PRECISION_BF16])
  func productsHaveTheSameBitsOnEveryThread(precision: kl_precision) throws {
    let pool = try unsafe #require(kl_pool_create(2))
    defer { unsafe kl_pool_destroy(pool) }
    let products = Products(precision: precision)
    let context = unsafe Unmanaged.passUnretained(products).toOpaque()
    unsafe kl_pool_run(
      pool, products.pieces,
      { context, _, piece in
        guard let context = unsafe context else { return }
        unsafe Unmanaged<Products>.fromOpaque(context).takeUnretainedValue()
          .run(piece: piece)
      }, context)
    let first = try #require(products.all.first)
    #expect(first.count == products.tokens * products.outputs)
    #expect(first.contains { $0 != 0 })
    for other in products.all { #expect(other == first) }
  }
}
