// swift-tools-version: 6.3
import PackageDescription

/// Every Swift target: explicit existentials, minimal imports, `unsafe` marked, no warnings.
let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]

/// C kernels are optimised in debug builds too, so that tests run the real ones.
///
/// Contraction to FMA is allowed inside one expression only; value-changing maths flags are not.
let kernels: [CSetting] = [
  .unsafeFlags(["-O3", "-ffp-contract=on"]),
  .enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error),
]

func library(
  _ name: String, _ dependencies: [Target.Dependency], path: String? = nil
) -> Target {
  .target(name: name, dependencies: dependencies, path: path, swiftSettings: strict)
}

func tests(
  _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies + ["TestSupport"], exclude: exclude,
    swiftSettings: strict)
}

let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let numerics: Target.Dependency = .product(name: "Numerics", package: "swift-numerics")
let argumentParser: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "kglab",
  products: [.executable(name: "kglab", targets: ["kglab"])],
  dependencies: [
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/apple/swift-numerics", from: "1.1.1"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
  ],
  targets: [
    // Debian's libdnnl-dev ships no .pc file. The module map links it for Swift importers only, so
    // the C target names the library itself.
    .systemLibrary(name: "COneDNN", providers: [.apt(["libdnnl-dev"])]),
    .target(
      name: "CKernels", dependencies: ["COneDNN"], cSettings: kernels,
      linkerSettings: [.linkedLibrary("dnnl")]),
    .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
    library("LabCore", ["COpenSSL"]),
    library("Console", ["LabCore", argumentParser]),
    library("Engine", ["LabCore"]),
    library("KnowledgeGraph", ["LabCore", grdb, yams]),
    library("Compute", ["CKernels", "LabCore"]),
    library("Corpus", ["KnowledgeGraph", "LabCore"]),
    library("LanguageModel", ["Compute", "LabCore"]),
    library(
      "Training",
      ["LanguageModel", "Corpus", "KnowledgeGraph", "Compute", "Engine", "Analysis", "LabCore"]),
    library(
      "Evaluation",
      [
        "Report", "Training", "LanguageModel", "Corpus", "KnowledgeGraph", "Compute", "Analysis",
        "LabCore", grdb,
      ]),
    library(
      "Detection",
      [
        "Evaluation", "Training", "Report", "Analysis", "LanguageModel", "Corpus",
        "KnowledgeGraph", "Compute", "LabCore", grdb,
      ]),
    library(
      "Experiments",
      [
        "Detection", "Evaluation", "Report", "Training", "Analysis", "LanguageModel", "Corpus",
        "KnowledgeGraph", "Compute", "LabCore", grdb,
      ]),
    library("Analysis", ["LabCore", numerics]),
    library("Report", ["LabCore"]),
    library(
      "Study",
      [
        "Report", "Analysis", "Experiments", "Detection", "Evaluation", "Training", "LanguageModel",
        "Corpus", "KnowledgeGraph", "Compute", "Engine", "LabCore", grdb, yams,
      ]),
    library(
      "Benchmarks",
      [
        "Detection", "Analysis", "Training", "LanguageModel", "Corpus", "KnowledgeGraph", "Compute",
        "LabCore",
      ],
      path: "Benchmarks/Benchmarks"),
    library(
      "BenchmarkCommands",
      [
        "Benchmarks", "Detection", "Evaluation", "Training", "LanguageModel", "Corpus",
        "KnowledgeGraph", "Compute", "Console", "LabCore", argumentParser,
      ],
      path: "Benchmarks/BenchmarkCommands"),
    .executableTarget(
      name: "kglab",
      dependencies: [
        "BenchmarkCommands", "Study", "Experiments", "Report", "Analysis", "Detection",
        "Evaluation", "Training", "LanguageModel", "Corpus", "KnowledgeGraph", "Compute", "Engine",
        "Console", "LabCore", argumentParser,
      ],
      swiftSettings: strict),
    .target(
      name: "TestSupport", dependencies: ["Training", "KnowledgeGraph", "LabCore"],
      path: "Tests/TestSupport", swiftSettings: strict),
    tests("LabCoreTests", ["LabCore"]),
    tests("EngineTests", ["Engine", "LabCore"]),
    tests("KnowledgeGraphTests", ["KnowledgeGraph", "LabCore", grdb]),
    .target(
      name: "CKernelChecks", dependencies: ["CKernels"], path: "Tests/CKernelChecks",
      cSettings: kernels + [.headerSearchPath("../../Sources/CKernels")]),
    tests("ComputeTests", ["Compute", "CKernels", "CKernelChecks", "LabCore"]),
    tests("CorpusTests", ["Corpus", "KnowledgeGraph", "LabCore"]),
    tests("LanguageModelTests", ["LanguageModel", "Compute", "LabCore"], exclude: ["Fixtures"]),
    tests(
      "TrainingTests",
      ["Training", "LanguageModel", "Corpus", "KnowledgeGraph", "Compute", "Engine", "LabCore"],
      exclude: ["Fixtures"]),
    tests(
      "EvaluationTests",
      [
        "Evaluation", "Training", "LanguageModel", "Corpus", "KnowledgeGraph", "Compute",
        "Analysis", "LabCore", grdb,
      ]),
    tests(
      "DetectionTests",
      [
        "Benchmarks", "Detection", "Evaluation", "Training", "LanguageModel", "Corpus",
        "KnowledgeGraph",
        "Compute", "LabCore", grdb,
      ],
      exclude: ["Fixtures"]),
    tests(
      "BenchmarksTests",
      [
        "Benchmarks", "Detection", "Training", "LanguageModel", "Corpus", "KnowledgeGraph",
        "Compute", "LabCore",
      ]),
    tests(
      "ExperimentsTests",
      [
        "Experiments", "Detection", "Evaluation", "Training", "LanguageModel", "Corpus",
        "KnowledgeGraph", "Compute", "LabCore", grdb,
      ]),
    tests("AnalysisTests", ["Analysis", "LabCore"], exclude: ["Fixtures"]),
    tests("ReportTests", ["Report", "LabCore"]),
    tests(
      "StudyTests",
      [
        "Study", "Report", "Detection", "Evaluation", "Training", "LanguageModel", "Corpus",
        "KnowledgeGraph", "Compute", "LabCore", grdb,
      ]),
    tests(
      "IntegrationTests", ["kglab", "KnowledgeGraph", "LabCore", grdb], exclude: ["Fixtures"]),
  ],
  swiftLanguageModes: [.v6]
)
