import CKernels
import LabCore
import Synchronization

/// Long-lived threads that take numbered pieces of work.
@safe package final class WorkerPool: @unchecked Sendable {
  // Invariant behind @unchecked: `run` is called by one thread at a time; the C pool guards the
  // rest.
  package let workerCount: Int
  private let pool: OpaquePointer

  /// Starts `workerCount` - 1 threads; the caller of `run` is the remaining worker.
  ///
  /// Throws `LabError` when threads cannot be started.
  package init(workerCount: Int) throws {
    guard workerCount >= 1, let pool = unsafe kl_pool_create(workerCount) else {
      throw LabError("cannot start \(workerCount) workers; choose --workers 1 or more", .usage)
    }
    self.workerCount = workerCount
    unsafe self.pool = pool
  }

  deinit { unsafe kl_pool_destroy(pool) }

  /// Runs `body(worker, piece)` for every piece in 0 ..< pieces and returns when all are done.
  ///
  /// Pieces are taken in order by whichever worker is free, so results must depend on the piece
  /// alone.
  package func run(pieces: Int, _ body: (_ worker: Int, _ piece: Int) -> Void) {
    guard workerCount > 1, pieces > 1 else {
      for piece in 0..<max(pieces, 0) { body(0, piece) }
      return
    }
    withoutActuallyEscaping(body) { body in
      let box = Box(body)
      unsafe kl_pool_run(
        pool, pieces,
        { context, worker, piece in
          guard let context = unsafe context else { return }
          unsafe Unmanaged<Box>.fromOpaque(context).takeUnretainedValue().body(worker, piece)
        }, Unmanaged.passUnretained(box).toOpaque())
      withExtendedLifetime(box) {}
    }
  }

  /// What `body(worker, piece)` makes of every piece in 0 ..< pieces, in their order, whoever did
  /// them.
  ///
  /// All pieces are done; the error thrown is that of the first piece that failed.
  package func map<Output: Sendable, Failure: Error>(
    pieces: Int, _ body: (_ worker: Int, _ piece: Int) throws(Failure) -> Output
  ) throws(Failure) -> [Output] {
    let results = Mutex([Result<Output, Failure>?](repeating: nil, count: max(pieces, 0)))
    run(pieces: pieces) { worker, piece in
      let result: Result<Output, Failure>
      do throws(Failure) {
        result = .success(try body(worker, piece))
      } catch {
        result = .failure(error)
      }
      results.withLock { $0[piece] = result }
    }
    var outputs: [Output] = []
    for result in results.withLock({ $0 }) {
      if let output = try result?.get() { outputs.append(output) }
    }
    return outputs
  }

  private final class Box {
    let body: (Int, Int) -> Void
    init(_ body: @escaping (Int, Int) -> Void) { self.body = body }
  }
}
