// Package membership answers who is here, who leads, and in what order things
// happened.
package membership
