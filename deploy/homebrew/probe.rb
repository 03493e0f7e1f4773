# Homebrew formula, built from source: brew install --build-from-source ./deploy/homebrew/probe.rb
# In a tap, `url` names the tag of the release.
class Probe < Formula
  desc "Find the limits of an LLM endpoint before your users do"
  homepage "https://github.com/OWNER/probe"
  url "https://github.com/OWNER/probe.git", tag: "v1.0.0"
  license "MIT"
  head "https://github.com/OWNER/probe.git", branch: "main"

  depends_on "go" => :build

  def install
    system "go", "build", *std_go_args(ldflags: "-s -w"), "./cmd/probe"
    system bin/"probe", "man", man1
    generate_completions_from_executable(bin/"probe", "completion")
  end

  test do
    assert_match "probe", shell_output("#{bin}/probe version")
    assert_match "requests", shell_output("#{bin}/probe plan quickstart")
  end
end
