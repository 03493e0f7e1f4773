// Package kubernetes checks the manifests against Kubernetes' own types.
package kubernetes

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"
)

// read decodes the documents of a file into the given objects, in this order.
// A field that Kubernetes does not know is an error.
func read(t *testing.T, name string, into ...any) {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	docs := bytes.Split(data, []byte("\n---\n"))
	if len(docs) != len(into) {
		t.Fatalf("%s has %d documents, want %d", name, len(docs), len(into))
	}
	for i, doc := range docs {
		if err := yaml.UnmarshalStrict(doc, into[i]); err != nil {
			t.Fatalf("%s, document %d: %v", name, i, err)
		}
	}
}

func TestManifests(t *testing.T) {
	var workers, coordinator batchv1.Job
	var service corev1.Service
	var claim corev1.PersistentVolumeClaim
	read(t, "workers.yaml", &workers)
	read(t, "coordinator.yaml", &service, &claim, &coordinator)

	for _, job := range []*batchv1.Job{&workers, &coordinator} {
		pod := job.Spec.Template
		if pod.Spec.RestartPolicy != corev1.RestartPolicyNever || *job.Spec.PodReplacementPolicy != batchv1.Failed {
			t.Errorf("%s: pods are started again", job.Name)
		}
		mounted(t, job.Name, &pod.Spec)
	}
	spec := workers.Spec
	if *spec.CompletionMode != batchv1.IndexedCompletion || *spec.Completions != *spec.Parallelism || *spec.BackoffLimitPerIndex != 0 {
		t.Errorf("workers: %v of %v at once, %v, again %d times", *spec.Parallelism, *spec.Completions, *spec.CompletionMode, *spec.BackoffLimitPerIndex)
	}
	if *coordinator.Spec.BackoffLimit != 0 {
		t.Error("the coordinator is started again")
	}
	for k, v := range service.Spec.Selector {
		if coordinator.Spec.Template.Labels[k] != v {
			t.Errorf("the service does not find the coordinator: %s=%s", k, v)
		}
	}
	args := coordinator.Spec.Template.Spec.Containers[0].Args
	if want := "--workers=3"; !slices.Contains(args, want) || *spec.Completions != 3 {
		t.Errorf("the coordinator's %v and %d workers do not agree", args, *spec.Completions)
	}
	url := "--bus=tls://" + service.Name + ":4222"
	if !slices.Contains(workers.Spec.Template.Spec.Containers[0].Args, url) || service.Spec.Ports[0].Port != 4222 {
		t.Errorf("workers do not join by %s", url)
	}
}

// mounted checks that every mount has its volume, and that no argument holds
// what belongs in a secret.
func mounted(t *testing.T, name string, pod *corev1.PodSpec) {
	t.Helper()
	for _, c := range pod.Containers {
		for _, m := range c.VolumeMounts {
			if !slices.ContainsFunc(pod.Volumes, func(v corev1.Volume) bool { return v.Name == m.Name }) {
				t.Errorf("%s: no volume is named %s", name, m.Name)
			}
		}
		for _, e := range c.Env {
			if strings.Contains(e.Name, "KEY") && e.Value != "" {
				t.Errorf("%s: %s is written into the manifest", name, e.Name)
			}
		}
	}
}
