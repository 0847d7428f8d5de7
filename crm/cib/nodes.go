package cib

import (
	"strings"

	"github.com/holdfast-ha/holdfast/policy"
)

// maxFencingLevel is the highest index of a level; others were never tried.
const maxFencingLevel = 9

func (in *importer) nodes(parent *element) []policy.Node {
	var out []policy.Node
	for _, e := range parent.children {
		if e.name != "node" {
			in.unknown(e, parent)
			continue
		}
		out = append(out, policy.Node{
			ID:          e.attr("id"),
			Name:        e.attr("uname"),
			Type:        e.attr("type"),
			Score:       e.attr("score"),
			Attributes:  in.sets(e, "instance_attributes"),
			Utilization: in.sets(e, "utilization"),
			Pos:         in.pos(e),
		})
	}
	return out
}

func (in *importer) tags(parent *element) []policy.Tag {
	var out []policy.Tag
	for _, e := range parent.children {
		if e.name != "tag" {
			in.unknown(e, parent)
			continue
		}
		tag := policy.Tag{ID: e.attr("id"), Pos: in.pos(e)}
		for _, ref := range e.children {
			if ref.name == "obj_ref" {
				tag.Members = append(tag.Members, ref.attr("id"))
			} else {
				in.unknown(ref, e)
			}
		}
		out = append(out, tag)
	}
	return out
}

func (in *importer) fencingLevels(parent *element) []policy.FenceLevel {
	var out []policy.FenceLevel
	for _, e := range parent.children {
		if e.name != "fencing-level" {
			in.unknown(e, parent)
			continue
		}
		index, ok := integer(e.attr("index"))
		if !ok || index < 1 || index > maxFencingLevel {
			in.fail(e, e.attr("id"), "the index of a fencing level is 1 to %d, not %q: the level is left out", maxFencingLevel, e.attr("index"))
			continue
		}
		out = append(out, policy.FenceLevel{
			ID:              e.attr("id"),
			Target:          e.attr("target"),
			TargetPattern:   e.attr("target-pattern"),
			TargetAttribute: e.attr("target-attribute"),
			TargetValue:     e.attr("target-value"),
			Index:           int(index),
			Devices:         commaList(e.attr("devices")),
			Pos:             in.pos(e),
		})
	}
	return out
}

// commaList splits at commas and drops blanks and empty parts.
func commaList(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}
