module touchstone-example

go 1.22
