import ArgumentParser

@main
struct Kglab: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "kglab", abstract: "A knowledge-graph hallucination lab.")
}
