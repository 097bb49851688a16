/// A question with its possible answers, of which one is right, as text with special tokens written
/// out.
///
/// A line of a file of questions has these keys; so has one of lm-evaluation-harness that kglab
/// exports.
package struct ChoiceQuestion: Codable, Hashable, Sendable {
  /// What its result is summed up with: "neqa".
  package var task: String
  /// One of several forms of a task that are told apart: "trap" and "plain".
  package var variant: String
  package var prompt: String
  /// What may follow the prompt, as it follows it: with the space between them and the end token.
  package var choices: [String]
  /// Place of the right one among the choices.
  package var gold: Int
  /// Whom it is about: questions of one subject are resampled together.
  package var subject: String
  /// Presentations in one epoch of the stored fact that it is about; nil without one.
  package var exposures: Int?

  package init(
    task: String, variant: String = "", prompt: String, choices: [String], gold: Int,
    subject: String, exposures: Int? = nil
  ) {
    self.task = task
    self.variant = variant
    self.prompt = prompt
    self.choices = choices
    self.gold = gold
    self.subject = subject
    self.exposures = exposures
  }

  /// The prompt with its right answer.
  package var solved: String { prompt + choices[gold] }
}
