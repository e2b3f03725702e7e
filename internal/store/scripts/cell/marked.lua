-- marked notes that the area knows that this cell has members, until the span ends.
-- Status: ok.
arguments(0)

read_generation(current, '')
if current.known then
  stamp(' marked')
end
return reply({ status = 'ok' })
