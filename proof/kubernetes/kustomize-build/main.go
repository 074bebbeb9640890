// Renders a kustomization as `kubectl kustomize` does, with the library that kubectl has it from, and prints the manifests as a JSON list;
// it needs no cluster.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

func run() error {
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), os.Args[1])
	if err != nil {
		return err
	}
	manifests := []json.RawMessage{}
	for _, resource := range rendered.Resources() {
		manifest, err := resource.MarshalJSON()
		if err != nil {
			return err
		}
		manifests = append(manifests, manifest)
	}
	return json.NewEncoder(os.Stdout).Encode(manifests)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
